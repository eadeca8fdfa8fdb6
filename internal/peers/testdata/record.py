"""Prints what the tests of a Python package expect of it, one JSON object a line, without running the package.

    python3 record.py PACKAGE-FOLDER MODULE TEST-FILE...

The test files run as they are, with two changes: MODULE and what is below it are replaced by objects that remember how they were
called, and "assert a == b" and "assert a is None" write down a and b. So {"test": "test_parse", "path": ["LogParser", ["%s"], {},
"parse", ["200"], {}, "status"], "want": 200} stands for an assertion about LogParser("%s").parse("200").status.
"""

import ast
import datetime
import glob
import json
import os
import sys
import types
import unittest

folder, subject = sys.argv[1], sys.argv[2]
current = ""


class Call(datetime.tzinfo):
    """A name, call, field or element of what is tested; path says how it was come by. It is a tzinfo so that datetimes take it."""

    def __init__(self, path):
        self.__dict__["_path"] = path

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Call(self._path + [name])

    def __setattr__(self, name, value):
        pass

    def __getitem__(self, key):
        return Call(self._path + [key])

    def __call__(self, *args, **kwargs):
        made = Call(self._path + [list(args), kwargs])
        Raises.last = made
        return made

    def __iter__(self):
        first = next((a[0] for a in self._path if isinstance(a, list) and a), [])
        lines = [l for l in first if not l.startswith("#")] if isinstance(first, list) else []
        return (Call(self._path + [i]) for i, _ in enumerate(lines))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    __hash__ = None


class Raises:
    """pytest.raises: what was called last inside is expected to fail."""

    last = None

    value = Call(["error"])

    def __enter__(self):
        Raises.last = None
        return self

    def __exit__(self, *_):
        if Raises.last is not None:
            emit(Raises.last, {"raises": True})
        return True


def plain(value):
    if isinstance(value, Call):
        return {"made": value._path}
    if isinstance(value, datetime.datetime):
        return (value.replace(tzinfo=None) if isinstance(value.tzinfo, Call) else value).isoformat()
    return str(value)


def emit(call, want):
    print(json.dumps({"test": current, "path": call._path, "want": want}, default=plain))


def check(left, right):
    if isinstance(right, Call) and not isinstance(left, Call):
        left, right = right, left
    if isinstance(left, Call):
        emit(left, right)


class Assertions(ast.NodeTransformer):
    """assert a == b, a is b -> check(a, b); other assertions say nothing about one value and go."""

    def visit_Assert(self, node):
        t = node.test
        if isinstance(t, ast.Compare) and len(t.ops) == 1 and isinstance(t.ops[0], (ast.Eq, ast.Is)):
            call = ast.Call(ast.Name("__check__", ast.Load()), [t.left, t.comparators[0]], [])
            return ast.copy_location(ast.Expr(call), node)
        return ast.copy_location(ast.Pass(), node)


def parametrize(names, rows):
    names = [n.strip() for n in names.split(",")] if isinstance(names, str) else names

    def decorate(test):
        test.rows = [dict(zip(names, row if len(names) > 1 else [row])) for row in rows]
        return test

    return decorate


def constants():
    """The strings and numbers that the package's modules name."""
    found = {}
    for name in glob.glob(os.path.join(folder, "**", "*.py"), recursive=True):
        try:
            tree = ast.parse(open(name, encoding="utf-8").read())
        except (SyntaxError, UnicodeDecodeError):
            continue
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                try:
                    found[node.targets[0].id] = ast.literal_eval(node.value)
                except ValueError:
                    pass
    return found


class Subject(types.ModuleType):
    """MODULE and the modules below it."""

    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return known[name] if name in known else Call([name])


known = constants()
for name in sys.argv[3:]:
    source = open(name, encoding="utf-8").read()
    for module in {subject} | {subject + "." + os.path.basename(f)[:-3] for f in glob.glob(os.path.join(folder, "**", "*.py"), recursive=True)}:
        sys.modules[module] = Subject(module)
    for module in list(sys.modules):  # from lars import apache
        if module.startswith(subject + ".") and not module.endswith("__init__"):
            known.setdefault(module.rpartition(".")[2], sys.modules[module])
    pytest = types.ModuleType("pytest")
    pytest.raises = lambda *_, **__: Raises()
    pytest.mark = types.SimpleNamespace(parametrize=parametrize)
    pytest.skip = lambda *_, **__: None
    pytest.fixture = lambda *a, **_: a[0] if a else lambda f: f
    sys.modules["pytest"] = pytest
    unittest.TestCase.assertEqual = lambda _, a, b, *__: check(a, b)
    unittest.TestCase.assertIsNone = lambda _, a, *__: check(a, None)
    unittest.TestCase.assertTrue = unittest.TestCase.assertNotEqual = lambda *_: None
    scope = {"__name__": "tests", "__file__": name, "__check__": check}
    exec(compile(ast.fix_missing_locations(Assertions().visit(ast.parse(source))), name, "exec"), scope)
    tests = [(n, t) for n, t in scope.items() if n.startswith("test") and callable(t)]
    for case in [c for c in scope.values() if isinstance(c, type) and issubclass(c, unittest.TestCase)]:
        tests += [(n, getattr(case(n), n)) for n in dir(case) if n.startswith("test")]
    for current, test in tests:
        for row in getattr(test, "rows", [{}]):
            try:
                test(**row)
            except Exception as e:  # it needs a fixture of pytest's, or more of the package than its calls
                print("left out: %s: %s" % (current, e), file=sys.stderr)
