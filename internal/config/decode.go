package config

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// decoder fills a Config from a YAML tree. It is written over the parser's tree instead of the
// library's strict mode because that stops at the first problem.
type decoder struct {
	file     string
	origin   map[string]string // key path → where its value was written
	problems Problems
}

// decode refuses a file that is no YAML with an error of its own: nothing else can be said of it.
func (d *decoder) decode(src []byte, into *Config) error {
	tree, err := parser.ParseBytes(src, 0)
	if err != nil {
		return Problems{{Where: d.file, Why: yaml.FormatError(err, false, false)}}
	}
	if len(tree.Docs) > 1 {
		return Problems{{Where: d.file, Why: "holds several YAML documents; want one"}}
	}
	if len(tree.Docs) == 1 && tree.Docs[0].Body != nil {
		d.value("", tree.Docs[0].Body, reflect.ValueOf(into).Elem())
	}
	return nil
}

// refused tells whether key, or a section around it, was refused already.
func (d *decoder) refused(key string) bool {
	return slices.ContainsFunc(d.problems, func(p Problem) bool {
		rest, ok := strings.CutPrefix(key, p.Key)
		return ok && p.Key != "" && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

func (d *decoder) refuse(key string, n ast.Node, format string, args ...any) {
	d.problems = append(d.problems, Problem{Where: d.at(n), Key: key, Why: fmt.Sprintf(format, args...)})
}

func (d *decoder) at(n ast.Node) string {
	return d.file + ":" + strconv.Itoa(n.GetToken().Position.Line)
}

func (d *decoder) value(key string, n ast.Node, v reflect.Value) {
	if key != "" {
		d.origin[key] = d.at(n)
	}
	_, isText := v.Addr().Interface().(encoding.TextUnmarshaler)
	switch {
	case v.Kind() == reflect.Struct && !isText:
		d.mapping(key, n, v)
	case v.Kind() == reflect.Slice:
		d.sequence(key, n, v)
	case v.Kind() == reflect.Map:
		d.texts(key, n, v)
	default:
		d.scalar(key, n, v)
	}
}

func (d *decoder) mapping(key string, n ast.Node, v reflect.Value) {
	for _, entry := range d.entries(key, n) {
		d.entry(key, entry, v)
	}
}

func (d *decoder) entries(key string, n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	case *ast.NullNode: // a section whose keys are all commented out
	default:
		d.refuse(key, n, "want a mapping of keys")
	}
	return nil
}

// texts reads a mapping whose keys are anyone's, of text.
func (d *decoder) texts(key string, n ast.Node, v reflect.Value) {
	for _, entry := range d.entries(key, n) {
		name := entry.Key.GetToken().Value
		path := join(key, name)
		if entry.Key.Type() != ast.StringType {
			d.refuse(path, entry.Key, "want a plain key; merge keys and tags are not supported")
			continue
		}
		text := reflect.New(v.Type().Elem()).Elem()
		d.value(path, entry.Value, text)
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		v.SetMapIndex(reflect.ValueOf(name), text)
	}
}

func (d *decoder) entry(parent string, entry *ast.MappingValueNode, v reflect.Value) {
	name := entry.Key.GetToken().Value
	path := join(parent, name)
	if entry.Key.Type() != ast.StringType {
		d.refuse(path, entry.Key, "want a plain key; merge keys and tags are not supported")
		return
	}
	fields := fieldsOf(v.Type())
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
	if i < 0 {
		d.refuse(path, entry.Key, "unknown key%s", suggest(name, names(fields)))
		return
	}
	d.value(path, entry.Value, v.Field(fields[i].index))
}

func (d *decoder) sequence(key string, n ast.Node, v reflect.Value) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.refuse(key, n, "want a list")
		return
	}
	list := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, item := range seq.Values {
		setDefaults(list.Index(i))
		d.value(fmt.Sprintf("%s[%d]", key, i), item, list.Index(i))
	}
	v.Set(list)
}

func (d *decoder) scalar(key string, n ast.Node, v reflect.Value) {
	s, ok := n.(ast.ScalarNode)
	switch {
	case n.Type() == ast.NullType:
		d.refuse(key, n, "has no value; leave the key out for its default")
		return
	case !ok || n.Type() == ast.MergeKeyType:
		d.refuse(key, n, "want one value, no list or mapping, anchor or alias; a value with a colon in it needs quotes")
		return
	}
	text := s.GetToken().Value
	if literal, ok := n.(*ast.LiteralNode); ok {
		text = literal.Value.Value
	}
	if err := set(v, text); err != nil {
		d.refuse(key, n, "%v", err)
	}
}

// set reads one value. It serves defaults, the file and the environment alike.
func set(v reflect.Value, text string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(text == "true")
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		v.SetInt(n)
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) {
			return fmt.Errorf("%q is not a number", text)
		}
		v.SetFloat(f)
	default:
		panic("config: a setting has the unsupported type " + v.Type().String())
	}
	return nil
}

// setDefaults writes the default tags into a struct. Lists have no default.
func setDefaults(v reflect.Value) {
	if v.Kind() != reflect.Struct {
		return
	}
	for _, f := range fieldsOf(v.Type()) {
		fv := v.Field(f.index)
		setDefaults(fv)
		if text, ok := f.tag.Lookup("default"); ok {
			if err := set(fv, text); err != nil {
				panic("config: the default of " + f.name + ": " + err.Error())
			}
		}
	}
}

// field is one key of a section.
type field struct {
	name  string
	index int
	goes  string // the field's name in Go
	typ   reflect.Type
	tag   reflect.StructTag
}

func fieldsOf(t reflect.Type) []field {
	fields := make([]field, t.NumField())
	for i := range fields {
		f := t.Field(i)
		fields[i] = field{name: f.Tag.Get("yaml"), index: i, goes: f.Name, typ: f.Type, tag: f.Tag}
	}
	return fields
}

func names(fields []field) []string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.name
	}
	return all
}

func join(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "." + name
}

// suggest is `; did you mean "x"?` for the closest known word, or "" when none is close.
func suggest(word string, known []string) string {
	best, least := "", max(len(word)/4, 1)+1
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
