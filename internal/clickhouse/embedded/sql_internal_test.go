package embedded

import (
	"strings"
	"testing"
)

func TestOutputFormat(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT 1":                            "else",
		"SELECT 1 FORMAT CSV":                 "CSV",
		"SELECT 1 format CSV ;\n":             "CSV",
		"SELECT 'x FORMAT CSV'":               "else",
		"SELECT format FROM t ORDER BY other": "else",
		"SELECT 1 FORMAT CSV -- done":         "else",
	} {
		if got := outputFormat(text, "else"); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestVerb(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		" select 1":              "SELECT",
		"-- a\n/* b */ ((WITH 1": "WITH",
		"/* open":                "",
	} {
		if got := verb(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// FuzzSplitInsert: whatever the text, the pieces are pieces of it, and nothing that could end the
// statement stands before the data.
func FuzzSplitInsert(f *testing.F) {
	for _, text := range []string{
		"INSERT INTO t FORMAT CSV\n1,2", "INSERT INTO t (a, b) VALUES (1, 'FORMAT x')", "insert into `FORMAT x` SETTINGS a='\\'' format Native",
		"INSERT INTO t; DROP TABLE t; INSERT INTO u FORMAT CSV", "INSERT /* ; */ INTO t -- ;\nFORMAT TSV", "INSERT INTO t SELECT 1 FORMAT CSV", "(",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		statement, format, data, ok := splitInsert(text)
		if !ok {
			return
		}
		if !strings.HasPrefix(text, statement) || !strings.HasSuffix(text, data) || format == "" {
			t.Fatalf("%q, %q, %q", statement, format, data)
		}
		s := scanner{text: statement}
		for more := true; more; {
			_, more = s.word()
		}
		if s.semicolon || s.depth > 0 {
			t.Fatalf("%q is not one statement", statement)
		}
	})
}
