package arch_test

import (
	"fmt"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/arch"
	"keepgreen/internal/ci"
)

func layer(names ...string) ci.Layer { return ci.Layer{Names: names} }

func TestContracts(t *testing.T) {
	chain := "app.web>app.core app.core>app.util app.util>app.store app.core.x>app.web"
	for _, c := range []struct {
		name     string
		edges    string
		contract ci.Contract
		want     []string // nil: kept
	}{
		{"a lower layer must not reach a higher one", chain, ci.Contract{Kind: "layers", Containers: []string{"app"}, Layers: []ci.Layer{layer("web"), layer("core")}}, []string{"app.core must not import app.web: app.core.x → app.web"}},
		{"a chain through a layer between is that layer's", "a>b b>c", ci.Contract{Kind: "layers", Layers: []ci.Layer{layer("c"), layer("b"), layer("a")}}, []string{"b must not import c: b → c", "a must not import b: a → b"}},
		{"neighbours on a level are apart", "a>x x>b", ci.Contract{Kind: "layers", Layers: []ci.Layer{layer("a", "b")}}, []string{"a must not import b: a → x → b"}},
		{"unless the level is open", "a>x x>b", ci.Contract{Kind: "layers", Layers: []ci.Layer{{Names: []string{"a", "b"}, Open: true}}}, nil},
		{"a layer that is not there", "a>b", ci.Contract{Kind: "layers", Layers: []ci.Layer{layer("a"), layer("z")}}, []string{"the layer z does not exist"}},
		{"may be optional", "a>b", ci.Contract{Kind: "layers", Layers: []ci.Layer{layer("a"), {Names: []string{"z"}, Optional: []bool{true}}}}, nil},
		{"containers may be patterns", "p.a.lo>p.a.hi p.b.lo>p.b.hi", ci.Contract{Kind: "layers", Containers: []string{"p.*"}, Layers: []ci.Layer{layer("hi"), layer("lo")}}, nil},
		{"every child is declared, or is not", "p.a>p.b p.b>p.c.d", ci.Contract{Kind: "layers", Containers: []string{"p"}, Exhaustive: true, Except: []string{"b"}, Layers: []ci.Layer{layer("a")}}, []string{"p.c is no layer of the contract, which names all there may be"}},
		{"forbidden counts chains", chain, ci.Contract{Kind: "forbidden", Sources: []string{"app.web"}, Targets: []string{"app.store"}}, []string{"app.web must not import app.store: app.web → app.core → app.util → app.store"}},
		{"or direct imports only", chain, ci.Contract{Kind: "forbidden", Sources: []string{"app.web"}, Targets: []string{"app.store"}, Direct: true}, nil},
		{"an ignored import is none", chain, ci.Contract{Kind: "forbidden", Sources: []string{"app.web"}, Targets: []string{"app.store"}, Ignore: [][2]string{{"app.*", "app.store"}}}, nil},
		{"to ignore what is not there is a mistake", chain, ci.Contract{Kind: "forbidden", Sources: []string{"app.web"}, Targets: []string{"app.store"}, Ignore: [][2]string{{"app.web", "app.store"}}}, []string{"no import matches the ignored app.web -> app.store"}},
		{"which one may overlook", chain, ci.Contract{Kind: "forbidden", Sources: []string{"app.util"}, Targets: []string{"app.web"}, Ignore: [][2]string{{"app.web", "app.store"}}, Unmatched: ci.AlertNone}, nil},
		{"names that overlap forbid nothing", chain, ci.Contract{Kind: "forbidden", Sources: []string{"app"}, Targets: []string{"app.store"}}, nil},
		{"a source that is not there", chain, ci.Contract{Kind: "forbidden", Sources: []string{"app.none"}, Targets: []string{"app.store"}}, []string{"the module app.none does not exist"}},
		{"a name may mean the module alone", chain, ci.Contract{Kind: "forbidden", Sources: []string{"app.core"}, Targets: []string{"app.web"}, Exact: true}, nil},
		{"independence goes both ways", chain, ci.Contract{Kind: "independence", Modules: []string{"app.util", "app.web"}}, []string{"app.web must not import app.util: app.web → app.core → app.util"}},
		{"protected from all but a few", chain, ci.Contract{Kind: "protected", Targets: []string{"app.core"}, Sources: []string{"app.other"}}, []string{"app.core is protected: app.web must not import it"}},
		{"protected, and allowed", chain, ci.Contract{Kind: "protected", Targets: []string{"app.core"}, Sources: []string{"app.web"}}, nil},
		{"outside the roots nothing has imports", "a.x>b.y b.y>a.z", ci.Contract{Kind: "forbidden", Sources: []string{"a.x"}, Targets: []string{"a.z"}, Scope: ci.ContractScope{Roots: []string{"a"}}}, nil},
		{"but is a dependency", "a.x>b.y b.y>a.z", ci.Contract{Kind: "forbidden", Sources: []string{"a.x"}, Targets: []string{"b"}, Scope: ci.ContractScope{Roots: []string{"a"}}}, []string{"a.x must not import b: a.x → b"}},
		{"which is not in every scope", "a.x>b.y b.y>a.z", ci.Contract{Kind: "forbidden", Sources: []string{"a.x"}, Targets: []string{"b"}, Scope: ci.ContractScope{Roots: []string{"a"}, Internal: true}}, []string{"b is a dependency: it can be forbidden where dependencies are included (include_external_packages)"}},
		{"type checking can be left out", "a:b", ci.Contract{Kind: "independence", Modules: []string{"a", "b"}, Scope: ci.ContractScope{NoTyping: true}}, nil},
		{"a type that is not known is not kept", "a>b", ci.Contract{Kind: "mine"}, []string{"contracts of the type mine are not known here"}},
		{"Go's packages are joined by slashes", "m/x/a>m/x/b", ci.Contract{Kind: "layers", Containers: []string{"m/x"}, Layers: []ci.Layer{layer("b"), layer("a")}}, []string{"m/x/a must not import m/x/b: m/x/a → m/x/b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.contract.Name = "rule"
			a := arch.Analyse(arch.Input{Graph: graph(strings.Fields(c.edges)...), Contracts: []ci.Contract{c.contract}})
			var got []string
			for _, v := range a.Violations {
				if v.Kind != "stability" {
					got = append(got, v.Text)
				}
			}
			result := a.Contracts[0]
			if result.Problem != "" {
				got = append(got, result.Problem)
			}
			assert.DeepEqual(t, got, c.want)
			assert.Equal(t, result.Kept, len(c.want) == 0)
		})
	}
}

// TestContractsThatAreBrokenAreAdvice holds that what breaks a contract, and one
// that cannot be checked, are critical and among the first things to do.
func TestContractsThatAreBrokenAreAdvice(t *testing.T) {
	a := arch.Analyse(arch.Input{Graph: graph("a>b"), Contracts: []ci.Contract{
		{Name: "one", Kind: "independence", Modules: []string{"a", "b"}},
		{Name: "two", Kind: "independence", Modules: []string{"a", "z"}, Pos: ci.Position{File: ".importlinter", Line: 3}},
	}})
	var got []string
	for _, x := range a.Advice[:2] {
		assert.Assert(t, x.Critical)
		got = append(got, fmt.Sprintf("%s %s", x.Pos, x.Text))
	}
	assert.DeepEqual(t, got, []string{".importlinter:3 two: cannot be checked: the module z does not exist", "a.py:1 one: a must not import b: a → b"})
}
