package accesslog

import "strings"

// template is a log format as both languages have it: variables with fixed text between them.
type template struct {
	before   string // the fixed text before the first variable
	vars     []variable
	escaping escaping
	end      int // the column behind the format
}

// variable is one value of a line.
type variable struct {
	name   string // as the format has it
	column int
	field  field
	rank   uint8 // of the variables of one field, the lowest counts
	// list tells that a value without quotes may have a space after a comma, semicolon or colon.
	list   bool
	clock  *clock // reads a time by a pattern, else nil
	cookie string // the name of a namedCookie
	after  string // the fixed text up to the next variable
}

// parseTemplate reads a format in either language.
func parseTemplate(format string) (*template, error) {
	bare, err := readDirective(format)
	if err != nil {
		return nil, err
	}
	parse := parseNginx
	if bare.apache {
		parse = parseApache
	}
	t, err := parse(bare)
	if err != nil {
		return nil, err
	}
	t.escaping, t.end = bare.escaping, bare.columns[len(bare.text)]
	if len(t.vars) == 0 {
		return nil, badFormat(1, "it has no variables, so every line would be the same")
	}
	t.join()
	return t, t.checkBorders()
}

// fixed appends text that stands in every line.
func (t *template) fixed(s string) {
	if n := len(t.vars); n > 0 {
		t.vars[n-1].after += s
	} else {
		t.before += s
	}
}

// join makes one of variables whose values could not be told apart, and which need not be: an address
// with its port, a path with its query, two that nothing is known of.
func (t *template) join() {
	for i := 0; i+1 < len(t.vars); {
		if f, ok := joined(t.vars[i], t.vars[i+1]); ok {
			t.vars[i].field, t.vars[i].after = f, t.vars[i+1].after
			t.vars = append(t.vars[:i+1], t.vars[i+2:]...)
			continue
		}
		i++
	}
	for i := 0; i+1 < len(t.vars); i++ {
		t.splitDash(i)
	}
}

// joined is the field of two variables that are one value.
func joined(a, b variable) (field, bool) {
	switch {
	case a.after == ":" && b.field == unused && b.clock == nil:
		switch a.field {
		case remoteAddr:
			return remoteAddrPort, true
		case host:
			return host, true
		}
	case a.after == "" && a.field == target && (b.field == query || b.name == isArgs), a.after == "?" && a.field == target && b.field == query:
		return target, true
	case a.after == "" && a.name == isArgs && b.field == query:
		return query, true
	case a.after == "" && a.field == unused && b.field == unused && a.clock == nil && b.clock == nil:
		return unused, true
	}
	return 0, false
}

// isArgs is nginx's variable of the question mark before a query.
const isArgs = "$is_args"

// splitDash makes a variable of the dash that nginx's users write between address and account, as
// Apache has its identd name there, so that the format is one that readHead knows.
func (t *template) splitDash(i int) {
	a, b := &t.vars[i], t.vars[i+1]
	if a.field != remoteAddr || a.after != " - " || b.field != remoteUser || b.after != " [" {
		return
	}
	a.after = " "
	dash := variable{name: "-", column: a.column, after: " "}
	t.vars = append(t.vars[:i+1], append([]variable{dash}, t.vars[i+1:]...)...)
}

// checkBorders makes sure that each value's end can be found.
func (t *template) checkBorders() error {
	for i := 0; i+1 < len(t.vars); i++ {
		a, b := t.vars[i], t.vars[i+1]
		if a.after == "" && a.clock == nil && !a.field.isNumber() && b.field != target {
			return badFormat(b.column, "nothing stands between %s and %s, so nobody could tell where one ends; put a space between them", a.name, b.name)
		}
	}
	return nil
}

// choose drops all but one of the variables of each field, and of the parts of a request where there
// is the whole.
func (t *template) choose() (seen [fields]bool) {
	best := [fields]int{}
	for i, v := range t.vars {
		f := v.field.canonical()
		if j := best[f] - 1; j < 0 || v.rank < t.vars[j].rank {
			best[f] = i + 1
		}
		seen[f] = true
	}
	for i := range t.vars {
		v := &t.vars[i]
		f := v.field.canonical()
		isPart := v.clock != nil && v.field == timestamp && t.vars[best[timestamp]-1].clock != nil && v.rank == t.vars[best[timestamp]-1].rank
		if best[f]-1 != i && !isPart && f != namedCookie || seen[request] && f.isRequestPart() {
			v.field = unused
		}
	}
	return seen
}

// steps are what a line is read by.
func (t *template) steps() []step {
	steps := make([]step, len(t.vars))
	fixed := t.before
	for i, v := range t.vars {
		steps[i] = step{field: v.field, name: v.cookie, list: v.list, clock: v.clock, after: v.after,
			quoted: strings.HasSuffix(fixed, `"`) && strings.HasPrefix(v.after, `"`)}
		fixed = v.after
	}
	steps[len(steps)-1].last = true
	for i := range steps {
		s := &steps[i]
		s.plain = s.clock == nil && s.after != "" && !s.last && (!s.list || s.quoted) && !s.mayHoldDelimiter()
		s.probe = uint8(max(strings.IndexAny(s.after, "\"[]|"), 0))
	}
	return steps
}
