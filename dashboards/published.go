package dashboards

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"throng"
)

// statement is the method as programs read it.
func (h *Handler) statement() ([]byte, error) { return encode(h.Statement()) }

// manifest lists what the ledger says was published.
func (h *Handler) manifest(ctx context.Context) (*throng.Manifest, []byte, error) {
	list, ledger, err := h.entries(ctx)
	if err != nil {
		return nil, nil, err
	}
	statement, err := h.statement()
	if err != nil {
		return nil, nil, err
	}
	history, err := h.methodHistory(ctx)
	if err != nil {
		return nil, nil, err
	}
	m := &throng.Manifest{
		Format:   throng.ManifestFormat,
		Method:   throng.FileDigest{Path: throng.MethodName, Bytes: int64(len(statement)), SHA256: digest(statement)},
		Ledger:   throng.FileDigest{Path: throng.LedgerName, Bytes: int64(len(ledger)), SHA256: digest(ledger)},
		Releases: []throng.FileDigest{},
	}
	if history != nil {
		for i, v := range history.versions {
			m.Methods = append(m.Methods, throng.FileDigest{Path: v.Path(), Bytes: int64(len(history.bodies[i])), SHA256: digest(history.bodies[i])})
		}
	}
	for _, e := range list {
		if e.publishes() {
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

func encode(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "\t")
	return append(b, '\n'), err
}
