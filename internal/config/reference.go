package config

import (
	_ "embed" // settings.go
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// The comments in settings.go are the one description of each setting: compiled in, they are what
// the program prints, so that it cannot say anything else than the code.
//
//go:embed settings.go
var settingsSource string

// comments maps STRUCT.FIELD, and STRUCT for the struct itself, to its comment in one line.
func comments() (map[string]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "settings.go", settingsSource, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("read comments of settings: %w", err)
	}
	texts := map[string]string{}
	for _, decl := range file.Decls {
		general, ok := decl.(*ast.GenDecl)
		if !ok || general.Tok != token.TYPE {
			continue
		}
		spec := general.Specs[0].(*ast.TypeSpec)
		texts[spec.Name.Name] = sentence(spec.Name.Name, general.Doc)
		for _, f := range spec.Type.(*ast.StructType).Fields.List {
			texts[spec.Name.Name+"."+f.Names[0].Name] = sentence(f.Names[0].Name, f.Doc)
		}
	}
	return texts, nil
}

// sentence is a comment without the "Name is" with which Go wants it to begin.
func sentence(name string, doc *ast.CommentGroup) string {
	text := strings.Join(strings.Fields(doc.Text()), " ")
	rest := strings.TrimPrefix(text, name+" ")
	for _, verb := range []string{"is ", "are "} {
		rest = strings.TrimPrefix(rest, verb)
	}
	return strings.ToUpper(rest[:1]) + rest[1:]
}

// Schema writes a JSON Schema (draft 2020-12) of the file's form. It holds the ranges of single
// values; what concerns several keys is known to [Config.Check] alone.
func Schema(w io.Writer) error {
	texts, err := comments()
	if err != nil {
		return err
	}
	root := sectionSchema(texts, reflect.TypeFor[Config](), "")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Throng configuration"
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(root); err != nil {
		return fmt.Errorf("write schema: %w", err)
	}
	return nil
}

func sectionSchema(texts map[string]string, t reflect.Type, key string) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, f := range fieldsOf(t) {
		at := join(key, f.name)
		property := valueSchema(texts, f, at)
		property["description"] = texts[t.Name()+"."+f.goes]
		properties[f.name] = property
		if _, hasDefault := f.tag.Lookup("default"); f.tag.Get("required") == "true" && !hasDefault {
			required = append(required, f.name)
		}
	}
	section := map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		section["required"] = required
	}
	return section
}

func valueSchema(texts map[string]string, f field, key string) map[string]any {
	if isSection(f.typ) {
		return sectionSchema(texts, f.typ, key)
	}
	if f.typ.Kind() == reflect.Slice && isSection(f.typ.Elem()) {
		// Their keys have no variable: a list of sections can only be written in the file.
		return map[string]any{"type": "array", "items": sectionSchema(texts, f.typ.Elem(), key+"[]")}
	}
	s := scalarSchema(f)
	if !strings.Contains(key, "[]") {
		s["x-environment"] = environmentName(key)
	}
	return s
}

func scalarSchema(f field) map[string]any {
	s := map[string]any{}
	switch {
	case f.typ == reflect.TypeFor[Duration]():
		s["type"], s["pattern"] = "string", `^([0-9]+d|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$`
	case f.typ == reflect.TypeFor[Size]():
		s["type"], s["pattern"] = []string{"string", "integer"}, `^[0-9]+ ?(B|KiB|MiB|GiB|TiB)?$`
	case f.typ.Kind() == reflect.Slice:
		s["type"], s["items"] = "array", map[string]any{"type": "string"}
	case f.typ.Kind() == reflect.Map:
		s["type"], s["additionalProperties"] = "object", map[string]any{"type": "string"}
	default:
		s["type"] = jsonTypes[f.typ.Kind()]
	}
	for tag, keyword := range map[string]string{"default": "default", "min": "minimum", "max": "maximum"} {
		if text, ok := f.tag.Lookup(tag); ok {
			s[schemaKeyword(f, keyword)] = literal(f, text)
		}
	}
	if words, ok := f.tag.Lookup("enum"); ok {
		s["enum"] = strings.Split(words, ",")
	}
	if f.tag.Get("required") == "true" && f.typ.Kind() == reflect.String {
		s["minLength"] = 1
	}
	return s
}

// schemaKeyword marks ranges of durations and sizes as notes: JSON Schema compares numbers only.
func schemaKeyword(f field, keyword string) string {
	if keyword != "default" && isUnit(f.typ) {
		return "x-" + keyword
	}
	return keyword
}

func isUnit(t reflect.Type) bool {
	return t == reflect.TypeFor[Duration]() || t == reflect.TypeFor[Size]()
}

var jsonTypes = map[reflect.Kind]string{
	reflect.String: "string", reflect.Bool: "boolean", reflect.Int: "integer", reflect.Int64: "integer", reflect.Float64: "number",
}

func literal(f field, text string) any {
	if isUnit(f.typ) || f.typ.Kind() == reflect.String {
		return text
	}
	if f.typ.Kind() == reflect.Bool {
		return text == "true"
	}
	return json.Number(text)
}

// Reference writes docs/configuration.md.
func Reference(w io.Writer) error {
	texts, err := comments()
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(referenceIntro)
	writeSection(&b, texts, reflect.TypeFor[Config](), "")
	b.WriteString("\n## Other variables\n\n| variable | meaning |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(specials)) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, specials[name])
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write reference: %w", err)
	}
	return nil
}

const referenceIntro = `<!-- Made from internal/config/settings.go by: go test ./internal/config -update -->

# Configuration

One YAML file, given with ` + "`--config`" + `. An unknown key, a value out of its range and a combination that contradicts itself are
refused, all at once, with the line and the reason; nothing is repaired. ` + "`throng config check`" + ` says what is wrong, ` + "`throng config print`" + `
what is in force, ` + "`throng config schema`" + ` gives a JSON Schema for editors.

- Defaults, then the file, then the environment: the later one wins.
- The variable of a key is ` + "`THRONG_`" + ` and its path in capitals, ` + "`broker.addrs`" + ` being ` + "`THRONG_BROKER_ADDRS`" + `; lists are separated by commas.
  Sites and sources can only be written in the file. An unknown variable that begins with ` + "`THRONG_`" + ` is refused.
- Durations: ` + "`36h`, `1m30s`, `10d`" + `. Sizes: ` + "`900KiB`, `12MiB`, `1GiB`" + `, or bytes.
- Secrets are never in the file or the environment: a key ending in ` + "`_file`" + ` names the file that holds one.
- Parameters of the method can only be made stricter than their defaults.
`

func writeSection(b *strings.Builder, texts map[string]string, t reflect.Type, key string) {
	if key != "" {
		fmt.Fprintf(b, "\n## %s\n\n%s\n", key, texts[t.Name()])
	}
	b.WriteString("\n| key | default | allowed | meaning |\n|---|---|---|---|\n")
	for _, f := range fieldsOf(t) {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", f.name, defaultText(f), allowedText(f), texts[t.Name()+"."+f.goes])
	}
	for _, f := range fieldsOf(t) {
		at, typ := join(key, f.name), f.typ
		if typ.Kind() == reflect.Slice {
			at, typ = at+"[]", typ.Elem()
		}
		if isSection(typ) {
			writeSection(b, texts, typ, at)
		}
	}
}

func defaultText(f field) string {
	switch text, ok := f.tag.Lookup("default"); {
	case ok:
		return "`" + text + "`"
	case f.tag.Get("required") == "true":
		return "required"
	}
	return ""
}

func allowedText(f field) string {
	lo, hi, words := f.tag.Get("min"), f.tag.Get("max"), f.tag.Get("enum")
	switch {
	case words != "":
		return "`" + strings.ReplaceAll(words, ",", "`, `") + "`"
	case lo != "":
		return lo + " to " + hi
	case f.typ.Kind() == reflect.Bool:
		return "`true`, `false`"
	case isSection(f.typ):
		return "see below"
	case f.typ.Kind() == reflect.Slice:
		return "list"
	case f.typ.Kind() == reflect.Map:
		return "mapping of text"
	}
	return "text"
}
