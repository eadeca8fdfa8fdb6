package config

import (
	"encoding"
	"reflect"
	"slices"
	"strings"
)

const envPrefix = "THRONG_"

// testPrefix begins the variables by which tests talk to processes that they start.
const testPrefix = envPrefix + "TEST_"

// specials are variables that are no setting of the configuration.
var specials = map[string]string{
	"THRONG_CHDB_LIB":    "The library of the embedded engine. When unset, it is sought beside the program, then in the user's cache folder.",
	"THRONG_CRASH_KILLS": "How often the crash test kills the processes. Read by the tests only.",
	"THRONG_SHARED_DATA": "A folder with real logs to test with. Read by the tests only.",
}

// variable is a setting that the environment can write: every scalar and every list of words. Lists
// of sections (sites, sources) can only be written in the file.
type variable struct {
	name string // such as THRONG_BROKER_ADDRS
	key  string // such as broker.addrs
	path []int  // field indexes from Config down
}

func variables(t reflect.Type, key string, path []int) []variable {
	var all []variable
	for _, f := range fieldsOf(t) {
		at, key := append(slices.Clone(path), f.index), join(key, f.name)
		switch {
		case isSection(f.typ):
			all = append(all, variables(f.typ, key, at)...)
		case f.typ.Kind() == reflect.Slice && f.typ.Elem().Kind() == reflect.Struct:
		default:
			all = append(all, variable{name: environmentName(key), key: key, path: at})
		}
	}
	return all
}

func environmentName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// environment overwrites what the variables name. The values of variables are in no message that
// concerns an unknown name: it may be a secret that was meant for another program.
func (d *decoder) environment(environ []string, into *Config) {
	known := variables(reflect.TypeFor[Config](), "", nil)
	all := make([]string, len(known))
	for i, v := range known {
		all[i] = v.name
	}
	for _, assignment := range slices.Sorted(slices.Values(environ)) {
		name, text, _ := strings.Cut(assignment, "=")
		if _, special := specials[name]; special || !strings.HasPrefix(name, envPrefix) || strings.HasPrefix(name, testPrefix) {
			continue
		}
		i := slices.Index(all, name)
		if i < 0 {
			d.problems = append(d.problems, Problem{Where: name, Why: "unknown variable" + suggest(name, all)})
			continue
		}
		d.origin[known[i].key] = name
		if err := setVariable(reflect.ValueOf(into).Elem().FieldByIndex(known[i].path), text); err != nil {
			d.problems = append(d.problems, Problem{Where: name, Key: known[i].key, Why: err.Error()})
		}
	}
}

// setVariable reads a value; a list is separated by commas, and an empty value is an empty list.
func setVariable(v reflect.Value, text string) error {
	if v.Kind() != reflect.Slice {
		return set(v, text)
	}
	var words []string
	if text != "" {
		words = strings.Split(text, ",")
	}
	v.Set(reflect.ValueOf(words))
	return nil
}
