package dashboards

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"throng"
)

// Publish gives every file that is published to write: those of [throng.Manifest], each table as CSV
// too, and the auditor's pages, with links that work on any static host; the manifest last. What it
// writes can be verified there.
func (h *Handler) Publish(ctx context.Context, write func(name string, body []byte) error) error {
	m, ledger, err := h.manifest(ctx)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	for _, f := range m.Releases {
		if err := h.publishRelease(ctx, f, write); err != nil {
			return fmt.Errorf("publish %s: %w", f.Path, err)
		}
	}
	if err := h.publishPages(ctx, m, write); err != nil {
		return fmt.Errorf("publish pages: %w", err)
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

func (h *Handler) publishRelease(ctx context.Context, f throng.FileDigest, write func(name string, body []byte) error) error {
	parts := strings.Split(strings.TrimSuffix(f.Path, ".json"), "/")
	id, _ := parseID(parts[1], parts[2], parts[3]) // of the ledger's own writing; Get refuses others
	stored, err := h.releases.Get(ctx, id)
	if err != nil {
		return err
	}
	var table bytes.Buffer
	if err := WriteCSV(&table, stored.Release); err != nil {
		return err
	}
	if err := write(f.Path, stored.Body); err != nil {
		return err
	}
	return write(strings.TrimSuffix(f.Path, ".json")+".csv", table.Bytes())
}

// publishPages writes the auditor's pages, what they need, and the versions of the method.
func (h *Handler) publishPages(ctx context.Context, m *throng.Manifest, write func(name string, body []byte) error) error {
	history, err := h.methodHistory(ctx)
	if err != nil {
		return err
	}
	for i := range m.Methods {
		if err := write(m.Methods[i].Path, history.bodies[i]); err != nil {
			return err
		}
	}
	if body, err := h.holds(ctx); err == nil {
		if err := write(throng.HoldsName, body); err != nil {
			return err
		}
	} else if !errors.Is(err, errNothing) {
		return err
	}
	for name := range h.assets {
		body, err := static.ReadFile("static/" + name)
		if err == nil {
			err = write("static/"+name, body)
		}
		if err != nil {
			return err
		}
	}
	entries, _, err := h.entries(ctx)
	if err != nil {
		return err
	}
	lengths := map[string]int{ledgerPath: len(entries), filesPath: len(m.Releases)}
	for _, p := range auditPages {
		for page := 1; page == 1 || p.long && (page-1)*perPage < lengths[p.path]; page++ {
			address := pageAddress(p.path, page)
			f := h.frame(p.title).inBundle(address)
			f.number = page
			res, err := h.rendered(ctx, p.name, f)
			if err == nil {
				err = write(bundleName(address), res.body)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", address, err)
			}
		}
	}
	return nil
}

// bundleName is the file of a bundle that has what is served at an address. The auditor's first page is
// a bundle's front page.
func bundleName(address string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(address, "/"), "?")
	switch {
	case name == "" || "/"+name == transparencyPath:
		return "index.html"
	case path.Ext(name) == "":
		return name + "/index.html"
	}
	return name
}

// inBundle makes a frame one of a page in a bundle: its links are relative and lead to files.
func (f frame) inBundle(address string) frame {
	f.Bundle = true
	f.root = strings.Repeat("../", strings.Count(bundleName(address), "/"))
	f.Style, f.Icon = f.At("/static/style.css"), f.At("/static/icon.svg")
	return f
}

// At is the link to an address of the handler's from this page.
func (f frame) At(address string) string {
	if !f.Bundle {
		return address
	}
	address, fragment, _ := strings.Cut(address, "#")
	if fragment != "" {
		fragment = "#" + fragment
	}
	return f.root + bundleName(address) + fragment
}
