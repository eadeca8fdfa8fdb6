package dashboards

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"throng"
)

// statement is the method as programs read it.
func (h *Handler) statement() ([]byte, error) {
	m := h.method
	return encode(throng.MethodStatement{
		Format: throng.MethodFormat, Program: m.Version, Tree: m.Tree, Parameters: m.Parameters, Sites: m.Own, Composition: m.Composition,
	})
}

// record is what of a ledger entry a manifest needs. Entries with a SHA-256 are those that say that a
// file was published: of a release that was drawn, or of a month that was summed.
type record struct {
	Release *throng.ReleaseID `json:"release"`
	SHA256  string            `json:"sha256"`
}

// manifest lists what the ledger says was published.
func (h *Handler) manifest(ctx context.Context) (*throng.Manifest, []byte, error) {
	if h.ledger == nil {
		return nil, nil, errNothing
	}
	ledger, err := h.ledger(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read ledger: %w", err)
	}
	statement, err := h.statement()
	if err != nil {
		return nil, nil, err
	}
	m := &throng.Manifest{
		Format:   throng.ManifestFormat,
		Method:   throng.FileDigest{Path: throng.MethodName, Bytes: int64(len(statement)), SHA256: digest(statement)},
		Ledger:   throng.FileDigest{Path: throng.LedgerName, Bytes: int64(len(ledger)), SHA256: digest(ledger)},
		Releases: []throng.FileDigest{},
	}
	for line := range bytes.Lines(ledger) {
		var e record
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, nil, fmt.Errorf("read ledger: entry %d of the releases: %w", len(m.Releases), err)
		}
		if e.SHA256 != "" && e.Release != nil {
			m.Releases = append(m.Releases, throng.FileDigest{Path: e.Release.Path(), SHA256: e.SHA256})
		}
	}
	return m, ledger, nil
}

func (h *Handler) showManifest(r *http.Request) (*response, error) {
	m, _, err := h.manifest(r.Context())
	if err != nil {
		return nil, err
	}
	body, err := encode(m)
	return &response{kind: "application/json", body: body}, err
}

func (h *Handler) showStatement(*http.Request) (*response, error) {
	body, err := h.statement()
	return &response{kind: "application/json", body: body}, err
}

func (h *Handler) showLedger(r *http.Request) (*response, error) {
	if h.ledger == nil {
		return nil, errNothing
	}
	body, err := h.ledger(r.Context())
	return &response{kind: "application/jsonl", body: body}, err
}

// showFile gives a release under the name that the manifest has.
func (h *Handler) showFile(r *http.Request) (*response, error) {
	period, ok := strings.CutSuffix(r.PathValue("file"), ".json")
	if !ok {
		return nil, errNothing
	}
	id, ok := parseID(r.PathValue("site"), r.PathValue("table"), period)
	if !ok {
		return nil, errNothing
	}
	stored, err := h.releases.Get(r.Context(), id)
	if err != nil {
		return nil, err
	}
	return jsonFile(stored)
}

// Publish gives every file that is published to write, under the names of [throng.Manifest], the
// manifest last. What it writes can be put on any static host and verified there.
func (h *Handler) Publish(ctx context.Context, write func(name string, body []byte) error) error {
	m, ledger, err := h.manifest(ctx)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	for _, f := range m.Releases {
		parts := strings.Split(strings.TrimSuffix(f.Path, ".json"), "/")
		id, _ := parseID(parts[1], parts[2], parts[3]) // of the ledger's own writing; Get refuses others
		stored, err := h.releases.Get(ctx, id)
		if err == nil {
			err = write(f.Path, stored.Body)
		}
		if err != nil {
			return fmt.Errorf("publish %s: %w", f.Path, err)
		}
	}
	statement, err := h.statement()
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	list, err := encode(m)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	for _, f := range []struct {
		name string
		body []byte
	}{{throng.LedgerName, ledger}, {throng.MethodName, statement}, {throng.ManifestName, list}} {
		if err := write(f.name, f.body); err != nil {
			return fmt.Errorf("publish %s: %w", f.name, err)
		}
	}
	return nil
}

func encode(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "\t")
	return append(b, '\n'), err
}
