package dashboards

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"throng"
)

// MethodHistory are the methods that were in force, oldest first. Each is a file that was written once
// and names the one before it by its SHA-256.
type MethodHistory struct {
	versions []throng.MethodVersion
	bodies   [][]byte
}

// ReadMethodHistory reads the files, oldest first, and checks that they are one chain.
func ReadMethodHistory(files [][]byte) (*MethodHistory, error) {
	h := &MethodHistory{}
	for i, body := range files {
		var v throng.MethodVersion
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&v); err != nil {
			return nil, fmt.Errorf("read method version %d: %w", i+1, err)
		}
		if v.Format != throng.MethodVersionFormat || v.Number != i+1 || v.Prev != h.head() {
			return nil, fmt.Errorf("read method version %d: %w", i+1, errBrokenHistory)
		}
		h.versions, h.bodies = append(h.versions, v), append(h.bodies, body)
	}
	return h, nil
}

var errBrokenHistory = errors.New("it does not follow the version before it: a file was changed, or one is missing; restore the folder from a copy of what was published")

// head is the SHA-256 of the last file.
func (h *MethodHistory) head() string {
	if len(h.bodies) == 0 {
		return ""
	}
	return digest(h.bodies[len(h.bodies)-1])
}

// Next is the file that has to be added because the statement is not the last one's; changed is false
// where nothing has to.
func (h *MethodHistory) Next(statement throng.MethodStatement, now time.Time) (name string, body []byte, changed bool, err error) {
	v := throng.MethodVersion{Format: throng.MethodVersionFormat, Number: len(h.versions) + 1, Since: now.UTC().Truncate(time.Second), Prev: h.head(), Method: statement}
	if n := len(h.versions); n > 0 && len(changes(h.versions[n-1].Method, statement)) == 0 {
		return "", nil, false, nil
	}
	body, err = encode(v)
	return v.Path(), body, true, err
}

// change is a value of the method that is another than before; "" is none.
type change struct{ Name, Before, After string }

// changes compares two methods value by value.
func changes(before, after throng.MethodStatement) (list []change) {
	old, now := valuesOf(before), valuesOf(after)
	for name, v := range now {
		if old[name] != v {
			list = append(list, change{name, old[name], v})
		}
	}
	for name, v := range old {
		if _, still := now[name]; !still {
			list = append(list, change{name, v, ""})
		}
	}
	slices.SortFunc(list, func(a, b change) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// valuesOf gives the values of a method by their paths in its JSON. Members of a list go by what names
// them, so that one more does not change all that follow.
func valuesOf(m throng.MethodStatement) map[string]string {
	body, _ := json.Marshal(m) // of plain values: it cannot fail
	var tree any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	_ = dec.Decode(&tree) // of our own writing
	values := map[string]string{}
	flatten(values, "", tree)
	return values
}

func flatten(values map[string]string, name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			flatten(values, strings.TrimPrefix(name+"."+key, "."), member)
		}
	case []any:
		plain := []string{}
		for _, member := range v {
			object, ok := member.(map[string]any)
			if !ok {
				plain = append(plain, fmt.Sprint(member))
				continue
			}
			for _, key := range []string{"draw", "over", "site"} {
				if own, ok := object[key].(string); ok {
					flatten(values, name+"["+own+"]", object)
				}
			}
		}
		if len(plain) == len(v) {
			values[name] = strings.Join(plain, ", ")
		}
	case nil:
	default:
		values[name] = fmt.Sprint(v)
	}
}

// MethodVersions gives the files of the method's versions, oldest first.
type MethodVersions func(context.Context) ([][]byte, error)

// versionView is a version as the page shows it.
type versionView struct {
	throng.MethodVersion
	SHA256  string
	Changes []change // from the version before
}

// views are the versions, latest first.
func (h *MethodHistory) views() (list []versionView) {
	for i, v := range h.versions {
		view := versionView{MethodVersion: v, SHA256: digest(h.bodies[i])}
		if i > 0 {
			view.Changes = changes(h.versions[i-1].Method, v.Method)
		}
		list = append(list, view)
	}
	slices.Reverse(list)
	return list
}

// history reads the versions; nil where none are kept.
func (h *Handler) methodHistory(ctx context.Context) (*MethodHistory, error) {
	if h.versions == nil {
		return nil, nil
	}
	files, err := h.versions(ctx)
	if err != nil {
		return nil, fmt.Errorf("read method versions: %w", err)
	}
	return ReadMethodHistory(files)
}

// Statement is the method that runs.
func (h *Handler) Statement() throng.MethodStatement {
	m := h.method
	s := throng.MethodStatement{
		Format: throng.MethodFormat, Program: m.Version, Tree: m.Tree, Parameters: m.Parameters, Composition: m.Composition, Sites: m.Own,
		Everyone: m.Everyone.statement(), OptedOut: m.OptedOut.statement(),
		Unit:     throng.UnitStatement(m.Unit),
		Lateness: m.Lateness.String(), Retention: map[throng.Class]string{}, Assets: m.Assets, Logs: []throng.LogStatement{},
	}
	for _, c := range m.Method.Retention {
		s.Retention[c.Class] = c.Keep.String()
	}
	for _, site := range h.sites {
		s.Logs = append(s.Logs, throng.LogStatement{Site: site.ID, Hosts: site.Hosts, Signals: site.Signals, Listed: site.Listed})
	}
	return s
}

func (g Generalization) statement() throng.GeneralizationStatement {
	return throng.GeneralizationStatement{IPv4Bits: g.IPv4Bits, IPv6Bits: g.IPv6Bits, Time: g.Time.String(), MajorStep: g.MajorStep}
}
