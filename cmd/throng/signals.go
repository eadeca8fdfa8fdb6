package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"

	"throng/ingest/accesslog"
	"throng/internal/config"
)

// headBytes is how much of a log is looked at to find its format out.
const headBytes = 64 << 10

// carriesSignals tells whether a source's log can hold opt-out signals: by its configured format, else
// by the first lines of the first file that is there. Where nothing is known yet it is assumed to;
// ship warns when it has read the first lines.
func carriesSignals(src config.Source) bool {
	format := accesslog.Keys(src.Keys).With(src.Format)
	var head []byte
	if !accesslog.IsResolved(format) || accesslog.NamesFields(format) {
		head = headOf(src.Files())
	}
	format, err := accesslog.Resolve(format, bytes.Split(head, []byte{'\n'}))
	if err != nil {
		return true
	}
	p, err := accesslog.New(format)
	if err != nil {
		return true
	}
	var rec accesslog.Record
	for line := range bytes.Lines(head) { // such a log has the fields when a line has them
		_ = p.Parse(bytes.TrimRight(line, "\n"), &rec)
	}
	return p.HasSignals() || accesslog.NamesFields(format) && len(head) == 0
}

// lacksCookies tells whether the beginning of a source's log shows that it has no cookies: lines that can
// be read, none of them with one.
func lacksCookies(src config.Source) bool {
	head := headOf(src.Files())
	format := src.Format
	if format == "auto" {
		var err error
		if format, err = accesslog.Detect(bytes.Split(head, []byte{'\n'})); err != nil {
			return false
		}
	}
	p, err := accesslog.New(format)
	if err != nil {
		return false
	}
	var rec accesslog.Record
	read := false
	for line := range bytes.Lines(head) {
		if p.Parse(line, &rec) != nil {
			continue
		}
		if len(rec.Cookie) > 0 || len(rec.Cookies) > 0 {
			return false
		}
		read = true
	}
	return read
}

// needsCookies is the setting for which a source's log must have cookies; "" is none.
func needsCookies(cfg *config.Config, src config.Source) string {
	if cfg.OptOut.Cookie != "" {
		return "optout.cookie"
	}
	for _, s := range cfg.Sites {
		if s.ID == src.Site && s.Consent.Cookie != "" {
			return "consent.cookie of site " + s.ID
		}
	}
	return ""
}

// headOf is the beginning of the first file that matches and is not compressed; nil where there is none or
// it cannot be read, which ship will say.
func headOf(globs []string) []byte {
	var paths []string
	for _, glob := range globs {
		found, err := filepath.Glob(glob)
		if err != nil {
			return nil
		}
		paths = append(paths, found...)
	}
	i := slices.IndexFunc(paths, func(p string) bool { return !slices.Contains([]string{".gz", ".zst"}, filepath.Ext(p)) })
	if i < 0 {
		return nil
	}
	f, err := os.Open(paths[i])
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, headBytes)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil
	}
	return head[:n]
}
