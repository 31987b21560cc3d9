package triage

import (
	"strings"

	"keepgreen/internal/ci"
)

// pythonRules read what CPython and pytest say.
var pythonRules = []CauseRule{
	{"python-module", "ModuleNotFoundError: No module named", pythonModule},
	{"python-import", "ImportError: cannot import name, circular imports, shared libraries", pythonImport},
	{"python-name", "NameError, UnboundLocalError, and ReferenceError of JavaScript's neighbours", pythonName},
	{"python-attribute", "AttributeError, with its suggestion", pythonAttribute},
	{"python-fixture", "pytest: fixture not found, or an error while a fixture is set up or torn down", pythonFixture},
	{"python-type", "TypeError: calls and operations on the wrong type", pythonType},
	{"python-key", "KeyError and IndexError", pythonKey},
	{"python-syntax", "SyntaxError, IndentationError, TabError", pythonSyntax},
	{"python-file", "FileNotFoundError and its relatives", pythonFile},
	{"python-snapshot", "syrupy and pytest-snapshot: the stored snapshot is out of date", pythonSnapshot},
	{"python-raises", "pytest.raises: nothing was raised, or with another message", pythonRaises},
	{"python-mock", "unittest.mock: a call that did not happen as expected", pythonMock},
	{"python-assert", "assertions of pytest, unittest and NumPy, with both sides", pythonAssert},
	{"python-value", "ValueError", pythonValue},
}

// distributions are modules whose distribution has another name; a hint of what to install.
var distributions = map[string]string{
	"yaml": "PyYAML", "cv2": "opencv-python", "PIL": "Pillow", "sklearn": "scikit-learn", "bs4": "beautifulsoup4",
	"dotenv": "python-dotenv", "dateutil": "python-dateutil", "attr": "attrs", "jwt": "PyJWT", "google.protobuf": "protobuf",
	"OpenSSL": "pyOpenSSL", "Crypto": "pycryptodome", "serial": "pyserial", "git": "GitPython", "psycopg2": "psycopg2-binary", "magic": "python-magic",
}

func pythonModule(f ci.Failure) (ci.Cause, bool) {
	module, ok := between(f.Message, "No module named '", "'")
	if !ok {
		if module, ok = after(f.Message, "No module named "); !ok {
			return no()
		}
		module, _, _ = strings.Cut(strings.Trim(module, `"'`), " ")
	}
	root, _, nested := strings.Cut(module, ".")
	if strings.Contains(f.Message, "is not a package") {
		return ci.Cause{
			Class: ci.ClassImport, Module: module,
			Sentence: sprintf("%s is imported%s, but a module named %s that is no package stands in its way", code(module), in(f), code(root)),
			Next:     sprintf("Look for a file %s.py that shadows the package, and rename it.", root),
		}, true
	}
	name := root
	if d := distributions[root]; d != "" {
		name = d
	}
	next := sprintf("Add %s to the requirements, or correct the import.", code(name))
	if nested {
		next = sprintf("Check that %s exists in the installed version of %s, or correct the import.", code(module), code(root))
	}
	return ci.Cause{
		Class: ci.ClassImport, Module: module,
		Sentence: sprintf("%s is imported%s but cannot be found", code(module), in(f)), Next: next,
	}, true
}

func pythonImport(f ci.Failure) (ci.Cause, bool) {
	if f.Exception != "ImportError" && !strings.Contains(f.Message, "cannot import name") && !strings.Contains(f.Message, "cannot open shared object file") {
		return no()
	}
	if lib, ok := strings.CutSuffix(f.Headline(), ": cannot open shared object file: No such file or directory"); ok {
		lib = strings.TrimPrefix(lib, "ImportError: ")
		return ci.Cause{
			Class: ci.ClassImport, Module: lib,
			Sentence: sprintf("the shared library %s is not installed on the machine", code(lib)), Next: "Install the system package that holds it.",
		}, true
	}
	symbol, ok := between(f.Message, "cannot import name '", "'")
	if !ok {
		return ci.Cause{Class: ci.ClassImport, Sentence: sprintf("an import fails%s: %s", in(f), f.Headline()), Next: "Import the module by hand in the same environment."}, true
	}
	module, _ := between(f.Message, " from '", "'")
	cause := ci.Cause{Class: ci.ClassImport, Symbol: symbol, Module: module}
	if strings.Contains(f.Message, "circular import") {
		cause.Module, _ = between(f.Message, "partially initialized module '", "'")
		cause.Sentence = sprintf("%s cannot be imported from %s because the two modules import each other", code(symbol), code(cause.Module))
		cause.Next = "Move one of the two imports into the function that needs it, or the shared part into a third module."
		return cause, true
	}
	cause.Sentence = sprintf("%s imports %s from %s, which does not define it", or(f.Pos.File, "a test"), code(symbol), code(module))
	cause.Next = sprintf("Define or export %s in %s, or correct the import.", code(symbol), code(module))
	if hint, ok := between(f.Message, "Did you mean: '", "'"); ok {
		cause.Next = sprintf("Import %s instead: that name exists.", code(hint))
	}
	return cause, true
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// standardModules are modules that are used by name so often that a NameError
// about them is a forgotten import.
const standardModules = " os sys re json time math random logging datetime pathlib Path typing Any Optional dataclass defaultdict Counter subprocess shutil tempfile itertools functools collections threading asyncio copy pytest unittest mock np pd plt torch "

func pythonName(f ci.Failure) (ci.Cause, bool) {
	if oneOf(f.Exception, "UnboundLocalError") || strings.Contains(f.Message, "where it is not associated with a value") {
		symbol := quoted(f.Message)
		return ci.Cause{
			Class: ci.ClassName, Symbol: symbol,
			Sentence: sprintf("%s is read%s before it is assigned", code(symbol), at(f)), Next: sprintf("Give %s a value on every path that leads there.", code(symbol)),
		}, symbol != ""
	}
	symbol, ok := between(f.Message, "name '", "' is not defined")
	if !ok || f.Exception != "" && f.Exception != "NameError" && f.Exception != "ModuleNotFoundError" {
		return no()
	}
	cause := ci.Cause{Class: ci.ClassName, Symbol: symbol}
	forgotten := symbol != "" && is(symbol[0], cUpper) || strings.Contains(standardModules, " "+symbol+" ")
	if forgotten {
		cause.Sentence = sprintf("%s is used but never imported%s", code(symbol), in(f))
		cause.Next = sprintf("Import %s%s.", code(symbol), in(f))
	} else {
		cause.Sentence = sprintf("%s is used but never defined%s", code(symbol), in(f))
		cause.Next = sprintf("Define or import %s, or correct its spelling.", code(symbol))
	}
	if hint, ok := between(f.Message, "Did you mean: '", "'"); ok {
		cause.Next = sprintf("Write %s: that name exists.", code(hint))
	}
	return cause, true
}

func pythonAttribute(f ci.Failure) (ci.Cause, bool) {
	symbol, ok := between(f.Message, "has no attribute '", "'")
	if !ok || f.Exception != "" && f.Exception != "AttributeError" {
		return no()
	}
	head, _, _ := strings.Cut(f.Message, " has no attribute")
	owner := quoted(head)
	if owner == "" {
		owner = strings.TrimSuffix(strings.TrimSpace(head), " object")
	}
	cause := ci.Cause{Class: ci.ClassAttribute, Symbol: symbol, Type: owner}
	switch {
	case owner == "NoneType":
		cause.Sentence = sprintf("something is None%s where %s is asked of it", at(f), code("."+symbol))
		cause.Next = "Find out which call returned None, and why."
	case strings.Contains(head, "module '"):
		cause.Module = owner
		cause.Sentence = sprintf("the module %s has no %s (used%s)", code(owner), code(symbol), orIn(f))
		cause.Next = sprintf("Check the installed version of %s, or correct the name.", code(owner))
		if strings.Contains(head, "partially initialized") {
			cause.Next = "Break the circular import, or rename the file that shadows the module."
		}
	default:
		cause.Sentence = sprintf("%s has no %s (used%s)", code(owner), code(symbol), orIn(f))
		cause.Next = sprintf("Add %s to %s, or correct its use.", code(symbol), code(owner))
	}
	if hint, ok := between(f.Message, "Did you mean: '", "'"); ok {
		cause.Next = sprintf("Write %s: that attribute exists.", code(hint))
	}
	return cause, true
}

func orIn(f ci.Failure) string { return or(at(f), " by a test") }

func pythonFixture(f ci.Failure) (ci.Cause, bool) {
	if name, ok := between(f.Message, "fixture '", "' not found"); ok {
		return ci.Cause{
			Class: ci.ClassFixture, Symbol: name,
			Sentence: sprintf("the fixture %s is asked for but nobody defines it", code(name)),
			Next:     sprintf("Define %s in conftest.py, install the plugin that brings it, or correct its name.", code(name)),
		}, true
	}
	if f.Phase != "setup" && f.Phase != "teardown" || f.Exception == "" {
		return no()
	}
	// The innermost function of the trace that lies outside of the test is the fixture or what it called.
	symbol := ""
	for _, fr := range f.Frames {
		if fr.Func != "" && !strings.HasPrefix(fr.Func, "<") {
			symbol = fr.Func
			break
		}
	}
	if symbol == "" {
		return no()
	}
	doing := "setting up"
	if f.Phase == "teardown" {
		doing = "tearing down"
	}
	reached, _ := network(f) // a service that a fixture needs, where that is why
	return ci.Cause{
		Class: ci.ClassFixture, Symbol: symbol, Type: f.Exception, Host: reached.Host,
		Sentence: sprintf("%s fails while %s %s%s: %s", code(symbol), doing, "tests", at(f), headline(f)),
		Next:     sprintf("Mend %s; the tests that use it did not get to run.", code(symbol)),
	}, true
}

// headline is the exception with its first line.
func headline(f ci.Failure) string {
	h := f.Headline()
	if f.Exception == "" || strings.HasPrefix(h, f.Exception) {
		return h
	}
	return f.Exception + ": " + h
}

func pythonType(f ci.Failure) (ci.Cause, bool) {
	if f.Exception != "TypeError" || strings.Contains(f.Message, "Cannot read propert") || strings.HasSuffix(f.Headline(), " is not a function") {
		return no()
	}
	m := f.Headline()
	cause := ci.Cause{Class: ci.ClassType, Sentence: sprintf("a value has the wrong type%s: %s", at(f), m), Next: "Compare the call with what the function takes."}
	function := ""
	if i := strings.Index(m, "()"); i > 0 {
		function = m[strings.LastIndexByte(m[:i], ' ')+1 : i]
	}
	switch {
	case function != "" && strings.Contains(m, "missing "):
		cause.Symbol = function
		_, what, _ := strings.Cut(m, ": ")
		cause.Sentence = sprintf("%s is called%s without its argument %s", code(function+"()"), at(f), strings.ReplaceAll(what, "'", "`"))
		cause.Next = "Pass the argument, or give the parameter a default."
	case function != "" && strings.Contains(m, "unexpected keyword argument"):
		cause.Symbol = function
		cause.Sentence = sprintf("%s has no parameter %s, but is called with it%s", code(function+"()"), code(quoted(m)), at(f))
		cause.Next = "Add the parameter, or correct the call: the signature has changed."
	case function != "" && strings.Contains(m, "positional argument"):
		cause.Symbol = function
		_, what, _ := strings.Cut(m, "() ")
		cause.Sentence = sprintf("%s %s (called%s)", code(function+"()"), what, orIn(f))
		cause.Next = "Bring the call and the signature together."
	case strings.HasPrefix(m, "'NoneType'"):
		cause.Type = "NoneType"
		cause.Sentence = sprintf("something is None%s that must not be: %s", at(f), m)
		cause.Next = "Find out which call returned None, and why."
	case strings.Contains(m, "unsupported operand") || strings.Contains(m, "not supported between"):
		cause.Symbol, _ = between(m, " for ", ":")
		cause.Type = quoted(m)
		cause.Next = "Convert one of the two values."
	}
	return cause, true
}

func pythonKey(f ci.Failure) (ci.Cause, bool) {
	switch f.Exception {
	case "KeyError":
		key := strings.Trim(f.Headline(), `'"`)
		return ci.Cause{
			Class: ci.ClassKey, Symbol: key,
			Sentence: sprintf("the key %s is missing%s", code(key), at(f)), Next: sprintf("Find out who should have set %s.", code(key)),
		}, true
	case "IndexError":
		return yes(ci.ClassKey, sprintf("an index is out of range%s: %s", at(f), f.Headline()), "Check the length of the sequence before it is indexed.")
	}
	return no()
}

func pythonSyntax(f ci.Failure) (ci.Cause, bool) {
	if !oneOf(f.Exception, "SyntaxError", "IndentationError", "TabError") {
		return no()
	}
	message, _, _ := strings.Cut(f.Headline(), " (")
	if i := strings.LastIndex(f.Message, "SyntaxError: "); i >= 0 {
		message, _ = after(f.Message[i:], "SyntaxError: ")
	}
	return yes(ci.ClassSyntax, sprintf("%s does not parse: %s", or(f.Pos.String(), "a file"), message), "Correct the syntax; nothing that imports the file can run.")
}

func pythonFile(f ci.Failure) (ci.Cause, bool) {
	path := quoted(f.Message)
	switch {
	case strings.Contains(f.Message, "[Errno 2]") || f.Exception == "FileNotFoundError":
		return ci.Cause{
			Class: ci.ClassFile, Symbol: path,
			Sentence: sprintf("%s does not exist (asked for%s)", codeOr(path, "a file"), orIn(f)),
			Next:     "Create or commit the file, or open it relative to the test's own folder.",
		}, true
	case strings.Contains(f.Message, "[Errno 13]") || f.Exception == "PermissionError":
		return ci.Cause{
			Class: ci.ClassPermission, Symbol: path,
			Sentence: sprintf("%s may not be opened (asked for%s)", codeOr(path, "a file"), orIn(f)),
			Next:     "Write below the test's temporary folder, or correct the file's mode.",
		}, true
	}
	return no()
}

func codeOr(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return code(s)
}

func pythonSnapshot(f ci.Failure) (ci.Cause, bool) {
	if found(f.Message, "assert [+ received] == [- snapshot]", "snapshot failed", "does not match the snapshot", "Snapshot does not exist", "does not exist!\n") == "" && !strings.HasPrefix(f.Exception, "Snapshot") {
		return no()
	}
	symbol, _ := between(f.Message, "Snapshot '", "'")
	return ci.Cause{
		Class: ci.ClassSnapshot, Symbol: symbol,
		Sentence: sprintf("the output differs from the stored snapshot%s", at(f)), Next: "Look at the difference; if it is wanted, update the snapshot.",
	}, true
}

func pythonRaises(f ci.Failure) (ci.Cause, bool) {
	if what, ok := after(f.Message, "DID NOT RAISE"); ok {
		name := quoted(what)
		name = shortName(or(name, strings.Trim(what, "<>")))
		return ci.Cause{
			Class: ci.ClassAssertion, Expected: name, Actual: "no exception",
			Sentence: sprintf("tests expect %s, but nothing is raised%s", code(name), at(f)), Next: decide,
		}, true
	}
	if strings.Contains(f.Message, "Regex pattern did not match") {
		want, _ := after(f.Message, "Regex: ")
		got, _ := after(f.Message, "Input: ")
		if want == "" {
			want, _ = after(f.Message, "Expected regex: ")
			got, _ = after(f.Message, "Actual message: ")
		}
		return ci.Cause{
			Class: ci.ClassAssertion, Expected: want, Actual: got,
			Sentence: sprintf("the message of the exception has changed: %s does not match %s", code(got), code(want)), Next: "Decide whether the message or the pattern is right.",
		}, true
	}
	return no()
}

func pythonMock(f ci.Failure) (ci.Cause, bool) {
	if strings.Contains(f.Message, "expected call not found.") {
		want, _ := after(f.Message, "Expected: ")
		got, _ := after(f.Message, "Actual: ")
		name, _, _ := strings.Cut(want, "(")
		return ci.Cause{
			Class: ci.ClassAssertion, Symbol: name, Expected: want, Actual: got,
			Sentence: sprintf("tests expect the call %s, but it was %s", code(want), code(got)), Next: "Decide whether the call or the test is right.",
		}, true
	}
	if strings.Contains(f.Message, "Expected '") && strings.Contains(f.Message, "to have been called") || strings.Contains(f.Message, "to be called once") {
		name := quoted(f.Message)
		_, wish, _ := strings.Cut(f.Headline(), "' ")
		wish, count, _ := strings.Cut(wish, ". ")
		return ci.Cause{
			Class: ci.ClassAssertion, Symbol: name, Expected: wish, Actual: strings.ToLower(strings.TrimSuffix(count, ".")),
			Sentence: sprintf("tests expect %s %s%s", code(name), strings.TrimSuffix(wish, "."), or(prefixed("; it was ", strings.ToLower(strings.TrimSuffix(count, "."))), at(f))),
			Next:     "Decide whether the call or the test is right.",
		}, name != ""
	}
	return no()
}

// prefixed is s after a prefix, or nothing.
func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

func pythonValue(f ci.Failure) (ci.Cause, bool) {
	if !oneOf(f.Exception, "ValueError", "UnicodeDecodeError", "UnicodeEncodeError", "JSONDecodeError", "ZeroDivisionError", "OverflowError", "ValidationError") {
		return no()
	}
	return ci.Cause{
		Class: ci.ClassValue, Type: f.Exception,
		Sentence: sprintf("%s%s", headline(f), at(f)), Next: "Look at the value that reaches this line.",
	}, true
}
