package accesslog

import (
	"fmt"
	"regexp"
	"strings"
)

// A log format as it stands in a server's configuration: nginx's log_format or Apache's LogFormat,
// the whole directive or only its format. Here it is brought to the bare format, which nginx.go and
// apache.go read.

// escaping is how a server writes bytes that would be mistaken for the format's own.
type escaping uint8

const (
	backslash escaping = iota // nginx's default and json, Apache
	noEscape                  // nginx's escape=none: everything as it came
	hash                      // HAProxy: #XX
)

// bareFormat is a format without its directive, and the column that each of its bytes had there.
type bareFormat struct {
	text     string
	columns  []int // from 1; one more than text has bytes
	escaping escaping
	apache   bool
}

// formatError tells what is wrong with a format and where.
type formatError struct {
	column int // from 1, in bytes
	what   string
}

func (e *formatError) Error() string {
	return fmt.Sprintf("compile log format: column %d: %s", e.column, e.what)
}

func badFormat(column int, what string, args ...any) error {
	return &formatError{column, fmt.Sprintf(what, args...)}
}

var (
	nginxDirective  = regexp.MustCompile(`^\s*log_format\s`)
	nginxVariable   = regexp.MustCompile(`\$\{?[A-Za-z_]`)
	nginxEscaping   = regexp.MustCompile(`^\s*escape=(\S*)(\s+|$)`)
	apacheDirective = regexp.MustCompile(`(?i)^\s*LogFormat\s+`)
)

// isLogFormat tells a format string from a format's name.
func isLogFormat(s string) bool {
	return strings.ContainsAny(s, "$%'\"") || nginxDirective.MatchString(s) || apacheDirective.MatchString(s)
}

// readDirective takes the format out of what was copied from a server's configuration.
func readDirective(s string) (bareFormat, error) {
	s = strings.TrimRight(s, "\r\n") // of a block in YAML
	switch {
	case nginxDirective.MatchString(s):
		return nginxArguments(s, 2)
	case apacheDirective.MatchString(s):
		return apacheArgument(s, len(apacheDirective.FindString(s)))
	case nginxEscaping.MatchString(s) || strings.HasPrefix(strings.TrimSpace(s), "'"):
		return nginxBare(s)
	case !nginxVariable.MatchString(s) && strings.Contains(s, "%"):
		if len(s) > 1 && s[0] == '"' && closingQuote([]byte(s[1:])) == len(s)-2 {
			return apacheArgument(s, 0)
		}
		return bareFormat{text: s, columns: columnsFrom(0, len(s)), apache: true}, nil
	}
	return bareFormat{text: s, columns: columnsFrom(0, len(s))}, nil
}

func columnsFrom(start, n int) []int {
	columns := make([]int, n+1)
	for i := range columns {
		columns[i] = start + i + 1
	}
	return columns
}

// nginxBare reads a format without directive, after an escape= or in quotes.
func nginxBare(s string) (bareFormat, error) {
	start := 0
	if m := nginxEscaping.FindString(s); m != "" {
		start = len(m)
	}
	if strings.HasPrefix(strings.TrimSpace(s[start:]), "'") {
		return nginxArguments(s, 0)
	}
	f := bareFormat{text: s[start:], columns: columnsFrom(start, len(s)-start)}
	return f, f.setEscaping(s[:start])
}

// nginxArguments reads words as nginx's configuration has them, drops as many as are told, and joins
// the others.
func nginxArguments(s string, drop int) (bareFormat, error) {
	f := bareFormat{}
	for pos := 0; ; drop-- {
		for pos < len(s) && strings.IndexByte(" \t\r\n", s[pos]) >= 0 {
			pos++
		}
		if pos == len(s) || s[pos] == ';' {
			f.columns = append(f.columns, pos+1)
			if f.text == "" {
				return f, badFormat(pos+1, "the directive has no format")
			}
			return f, nil
		}
		word, columns, end, err := nginxWord(s, pos)
		if err != nil {
			return f, err
		}
		pos = end
		switch {
		case drop > 0:
		case f.text == "" && strings.HasPrefix(word, "escape="):
			if err := f.setEscaping(word); err != nil {
				return f, err
			}
		default:
			f.text += word
			f.columns = append(f.columns, columns...)
		}
	}
}

// nginxWord reads one word of nginx's configuration, in quotes or not.
func nginxWord(s string, pos int) (word string, columns []int, end int, err error) {
	var quote byte
	start := pos
	if s[pos] == '\'' || s[pos] == '"' {
		quote = s[pos]
		pos++
	}
	var out []byte
	for ; pos < len(s); pos++ {
		c := s[pos]
		if quote != 0 && c == quote {
			return string(out), columns, pos + 1, nil
		}
		if quote == 0 && strings.IndexByte(" \t\r\n;", c) >= 0 {
			break
		}
		columns = append(columns, pos+1)
		if c == '\\' && pos+1 < len(s) {
			if i := strings.IndexByte(`"'\trn`, s[pos+1]); i >= 0 {
				pos++
				c = "\"'\\\t\r\n"[i]
			}
		}
		out = append(out, c)
	}
	if quote != 0 {
		return "", nil, 0, badFormat(start+1, "the quote that begins here does not end")
	}
	return string(out), columns, pos, nil
}

// setEscaping reads nginx's escape parameter.
func (f *bareFormat) setEscaping(parameter string) error {
	switch how := strings.TrimPrefix(strings.TrimSpace(parameter), "escape="); how {
	case "", "default", "json":
		f.escaping = backslash
	case "none":
		f.escaping = noEscape
	default:
		return badFormat(1, "escape=%s: want default, json or none", how)
	}
	return nil
}

// apacheArgument reads the first argument of an Apache directive, which begins at start. What follows
// it, the format's name, does not matter.
func apacheArgument(s string, start int) (bareFormat, error) {
	f, text := bareFormat{apache: true}, []byte(nil)
	pos, quote := start, byte(0)
	if pos < len(s) && (s[pos] == '"' || s[pos] == '\'') {
		quote = s[pos]
		pos++
	}
	for ; pos < len(s); pos++ {
		c := s[pos]
		if quote != 0 && c == quote {
			break
		}
		if quote == 0 && (c == ' ' || c == '\t' || c == '\n') {
			break
		}
		if c == '\\' && strings.HasPrefix(s[pos+1:], "\n") { // a line that is continued
			pos++
			continue
		}
		column := pos + 1
		if c == '\\' && pos+1 < len(s) && (s[pos+1] == quote || s[pos+1] == '\\') {
			pos++
			c = s[pos]
		}
		text = append(text, c)
		f.columns = append(f.columns, column)
	}
	if quote != 0 && pos == len(s) {
		return f, badFormat(start+1, "the quote that begins here does not end")
	}
	f.text, f.columns = string(text), append(f.columns, pos+1)
	return f, nil
}
