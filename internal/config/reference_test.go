package config_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"throng/internal/config"
)

func TestReferenceIsWhatTheCodeSays(t *testing.T) {
	var b bytes.Buffer
	if err := config.Reference(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "../../docs/configuration.md", b.Bytes())
}

type schema struct {
	Type                 any
	Description          string
	AdditionalProperties any // false, or the schema of the values of a mapping of text
	Properties           map[string]schema
	Items                *schema
	Required             []string
	Default              any
	Minimum, Maximum     *float64
	Environment          string `json:"x-environment"`
}

func readSchema(t *testing.T) schema {
	t.Helper()
	var b bytes.Buffer
	if err := config.Schema(&b); err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(b.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// walk visits every key of the schema below s.
func walk(s schema, key string, visit func(key string, s schema)) {
	for name, p := range s.Properties {
		at := strings.TrimPrefix(key+"."+name, ".")
		visit(at, p)
		walk(p, at, visit)
		if p.Items != nil {
			walk(*p.Items, at+"[]", visit)
		}
	}
}

func TestSchemaDescribesEveryKey(t *testing.T) {
	keys := 0
	walk(readSchema(t), "", func(key string, s schema) {
		keys++
		if len(s.Description) < 20 || !strings.HasSuffix(s.Description, ".") {
			t.Errorf("%s: the description %q is no sentence", key, s.Description)
		}
		if s.Type == "object" && s.AdditionalProperties != false && (s.Properties != nil || s.AdditionalProperties == nil) {
			t.Errorf("%s allows unknown keys", key)
		}
	})
	if keys < 50 {
		t.Errorf("the schema has %d keys", keys)
	}
}

func TestSchemaHasTheRangesOfTheMethod(t *testing.T) {
	s := readSchema(t)
	k := s.Properties["privacy"].Properties["k"]
	if k.Minimum == nil || *k.Minimum != 5000 || k.Default != 5000.0 || k.Environment != "THRONG_PRIVACY_K" {
		t.Errorf("privacy.k is %+v", k)
	}
	site := s.Properties["sites"].Items
	if site == nil || strings.Join(site.Required, " ") != "id" || site.Properties["id"].Environment != "" {
		t.Errorf("sites[] is %+v", site)
	}
}

func TestEveryVariableIsKeptApart(t *testing.T) {
	seen := map[string]string{}
	walk(readSchema(t), "", func(key string, s schema) {
		if first, ok := seen[s.Environment]; ok && s.Environment != "" {
			t.Errorf("%s is %s and %s", s.Environment, first, key)
		}
		seen[s.Environment] = key
	})
}
