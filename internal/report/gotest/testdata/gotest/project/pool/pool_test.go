package pool

import (
	"fmt"
	"os"
	"testing"
)

func TestLen(t *testing.T) {
	if got := New(3).Len(); got != 3 {
		t.Errorf("Len() = %d, want 3", got)
	}
}

func TestTakeOrder(t *testing.T) {
	p := New(2)
	t.Logf("a pool of %d", p.Len())
	fmt.Println("printed by the test")
	if got := p.Take(); got != 1 {
		t.Errorf("Take() = %d, want 1", got)
	}
	t.Log("after the error")
}

func TestDevice(t *testing.T) {
	t.Skip("needs a device")
}

func TestSizes(t *testing.T) {
	for _, n := range []int{1, 2, 5} {
		t.Run(fmt.Sprintf("n=%d", n), func(t *testing.T) {
			if New(n).Len() > 2 {
				t.Fatalf("pool of %d:\nwant at most 2\ngot  %d", n, New(n).Len())
			}
		})
	}
}

func TestParentToo(t *testing.T) {
	t.Run("child", func(t *testing.T) { t.Error("the child's own") })
	t.Error("the parent's own")
}

func TestParallel(t *testing.T) {
	for _, name := range []string{"a", "b", "c"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Log("log of", name)
			if name == "b" {
				t.Error("b failed")
			}
		})
	}
}

func TestEscapes(t *testing.T) {
	t.Run("<a> & \"b\"", func(t *testing.T) { t.Error("\x1b[31mred\x1b[0m <tag>") })
}

func TestNoNewline(t *testing.T) {
	fmt.Fprint(os.Stdout, "no newline at the end")
}

func ExampleNew() {
	fmt.Println(New(2).Len())
	// Output: 3
}

func FuzzTake(f *testing.F) {
	f.Add(1)
	f.Add(0)
	f.Fuzz(func(t *testing.T, n int) {
		if n == 0 {
			t.Fatal("an empty pool")
		}
	})
}

func BenchmarkTake(b *testing.B) {
	for b.Loop() {
		New(1).Take()
	}
}

func BenchmarkBroken(b *testing.B) {
	b.Error("benchmark broke")
}

func TestPanics(t *testing.T) {
	New(0).Take()
}
