package accesslog

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// key is one spelling of a field, in a format that tells its fields apart by name.
type key struct {
	path  string // names from the outside in, joined by dots
	field field
	form  form
	// rank orders the spellings of a field. A line may have several, and the lowest rank counts; the
	// last of equals.
	rank   uint8
	cookie string // the name of a namedCookie
}

// form is how a value is written where its field alone does not say so.
type form uint8

const (
	asIs    form = iota
	encoded      // bytes as %HH, as CloudFront writes them
	millis       // a duration in milliseconds
	micros       // in microseconds
	nanos        // in nanoseconds
)

// forms are the endings by which a spelling says its form.
var forms = map[string]form{"": asIs, "encoded": encoded, "ms": millis, "us": micros, "ns": nanos}

// spellings are the keys of one field, separated by spaces, the one that counts most first. A key may
// end in a colon and its form, such as Duration:ns.
type spellings struct {
	field field
	paths string
}

// keyTable finds keys.
type keyTable struct {
	leads leads
	top   place
	seen  bool // a line had the key of a signal
	// cookies is the number of keys that addCookie made.
	cookies int
}

// level is where names are looked up: the line, or an object in it that keys lead through.
type level struct {
	names map[string]meant // by the rest of their paths
}

// meant is what a name means.
type meant struct {
	key   *key   // nil is one that means no field
	below *level // of the object under it; nil where no key leads through that
}

func newLevel() *level { return &level{map[string]meant{}} }

// newKeyTable takes the configured keys and the usual ones. The first of equals counts.
func newKeyTable(own []key, usual []spellings) keyTable {
	levels := map[string]*level{"": newLevel()}
	for _, k := range own {
		addKey(levels, &k)
	}
	for _, f := range usual {
		for rank, text := range strings.Fields(f.paths) {
			path, ending, _ := strings.Cut(text, ":")
			addKey(levels, &key{path: path, field: f.field, form: forms[ending], rank: uint8(rank)})
		}
	}
	return keyTable{top: place{level: levels[""]}, leads: leads{known: map[leadText]*lead{}}}
}

// addKey makes a key known to the line and to each object that its path leads through, unless another
// has that path. A dot of it leads into an object or belongs to a name: nothing tells which before a line
// does. levels are indexed by their paths, each name with a dot after it.
func addKey(levels map[string]*level, k *key) {
	if levels[""].names[k.path].key != nil {
		return
	}
	starts := []int{0}
	for i, c := range k.path {
		if c != '.' {
			continue
		}
		below := levels[k.path[:i+1]]
		if below == nil {
			below = newLevel()
			levels[k.path[:i+1]] = below
		}
		for _, start := range starts {
			names, name := levels[k.path[:start]].names, k.path[start:i]
			names[name] = meant{names[name].key, below}
		}
		starts = append(starts, i+1)
	}
	for _, start := range starts {
		names, name := levels[k.path[:start]].names, k.path[start:]
		names[name] = meant{k, names[name].below}
	}
}

// signals tells whether a line had the key of a signal.
func (t *keyTable) signals() bool { return t.seen }

// find looks a name up.
func (t *keyTable) find(at *level, name []byte) meant {
	m := at.names[string(name)]
	if m.key == nil && at == t.top.level {
		m.key = t.addCookie(name)
	}
	if m.key != nil && (m.key.field == dnt || m.key.field == gpc) {
		t.seen = true
	}
	return m
}

// addCookie makes a key of one that names a cookie (nginx's $cookie_NAME), as long as there are not more
// of these than anyone writes into a log format.
func (t *keyTable) addCookie(name []byte) *key {
	if t.cookies == maxNamedCookies || !hasPrefix(name, cookiePrefix) || len(name) == len(cookiePrefix) {
		return nil
	}
	t.cookies++
	k := &key{path: string(name), field: namedCookie}
	k.cookie = k.path[len(cookiePrefix):]
	t.top.names[k.path] = meant{k, t.top.names[k.path].below}
	return k
}

// Keys say under which key a log has a field, in formats that tell fields apart by name. They are
// indexed by the field's name in NDJSON records; "request" is a whole request line. A field that they
// name has no other key; an empty key leaves the field out.
type Keys map[string]string

// With is the format that reads these fields under these keys, as [New] takes and checks it: the
// format's name and after it, in order of the fields' names, FIELD=KEY separated by spaces. No key may
// have a blank in it.
func (keys Keys) With(format string) string {
	for _, f := range slices.Sorted(maps.Keys(keys)) {
		format += " " + f + "=" + keys[f]
	}
	return format
}

// configure reads FIELD=KEY pairs: own are the keys that they name, rest the spellings of all other
// fields.
func configure(table []spellings, pairs string) (own []key, rest []spellings, err error) {
	named := [fields]bool{}
	for _, pair := range strings.Fields(pairs) {
		name, path, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, nil, fmt.Errorf("make parser: after the format's name come FIELD=KEY, separated by spaces; %q has no =", pair)
		}
		f, err := fieldNamed(name)
		switch {
		case err != nil:
			return nil, nil, err
		case named[f]:
			return nil, nil, fmt.Errorf("make parser: %s has two keys; give one", name)
		case len(path) > maxPathKey:
			return nil, nil, fmt.Errorf("make parser: the key of %s is longer than %d bytes", name, maxPathKey)
		}
		named[f] = true
		if path != "" {
			own = append(own, key{path: path, field: f})
		}
	}
	named[datePart] = named[timestamp]
	named[clockPart] = named[timestamp]
	return own, slices.DeleteFunc(slices.Clone(table), func(s spellings) bool { return named[s.field] }), nil
}

// fieldNamed is the field of a name in NDJSON records.
func fieldNamed(name string) (field, error) {
	named := fieldNames[unused+1 : consent+1] // of several with one name the first is the usual one
	i := slices.Index(named, name)
	if i < 0 {
		known := slices.Compact(slices.Clone(named))
		return unused, fmt.Errorf("make parser: no field is called %q; there are %s", name, strings.Join(known, ", "))
	}
	return field(i) + unused + 1, nil
}

// merge puts the spellings of each field together, those of the first table first.
func merge(tables ...[]spellings) []spellings {
	var out []spellings
	for _, s := range slices.Concat(tables...) {
		i := slices.IndexFunc(out, func(o spellings) bool { return o.field == s.field })
		if i < 0 {
			out = append(out, s)
		} else {
			out[i].paths += " " + s.paths
		}
	}
	return out
}
