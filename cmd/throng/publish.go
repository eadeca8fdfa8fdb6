package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"throng"
	"throng/internal/durable"
)

type publishCommand struct {
	configured
	To string `arg:"" placeholder:"DIR" help:"Where to write; made where it does not exist."`
}

func (publishCommand) Help() string {
	return "Writes everything that was published into a directory that can be put on any static host: the releases, the privacy\n" +
		"ledger, the method and its history, a manifest with their SHA-256, each table as CSV, and the auditor's pages. `throng\n" +
		"verify` checks it there. Run it again after each close; a release that is there already has to be the same.\n\n" +
		"Example:\n  throng publish --config throng.yaml /var/www/readers && throng verify /var/www/readers"
}

func (c publishCommand) Run(a *app, ctx context.Context) error {
	return c.run(a, func(n *node) error {
		pages, err := n.pages()
		if err != nil {
			return err
		}
		files := 0
		err = pages.Publish(ctx, func(name string, body []byte) error {
			files++
			return writePublished(filepath.Join(c.To, filepath.FromSlash(name)), name, body)
		})
		if err == nil {
			fmt.Fprintf(a.out, "%d files in %s; check them with `throng verify %s`\n", files, c.To, c.To)
		}
		return err
	})
}

// writePublished writes a file for everyone to read. A release and a version of the method never change; a
// ledger only grows.
func writePublished(path, name string, body []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // what is published is for everyone
		return err
	}
	there, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case bytes.Equal(there, body):
		return nil
	case name == throng.LedgerName && !bytes.HasPrefix(body, there):
		return fmt.Errorf("%s: the ledger that was published there is not the beginning of this one: find out which is right before anything is overwritten", path)
	case never(name):
		return fmt.Errorf("%s: another release or method was published under this name: find out which is right before anything is overwritten", path)
	}
	if err := durable.WriteFile(path, body); err != nil {
		return err
	}
	return os.Chmod(path, 0o644) //nolint:gosec // what is published is for everyone
}

// never tells whether a published file never changes.
func never(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	return (top == throng.ReleasesName || top == throng.MethodVersionsName) && strings.HasSuffix(name, ".json")
}
