package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"throng"
	"throng/dashboards"
	"throng/internal/durable"
)

// methodVersions reads the files of the method's versions, oldest first.
func (d layout) methodVersions(context.Context) (files [][]byte, err error) {
	for number := 1; ; number++ {
		body, err := os.ReadFile(d.path(throng.MethodVersion{Number: number}.Path()))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return files, nil
		case err != nil:
			return nil, err
		}
		files = append(files, body)
	}
}

// recordMethod writes down what the releases are made with from now on, where that is not what was
// written down last. Only the process that closes days does it, under the ledger's lock, so that there
// is one writer and a version is what a release was made with.
func (n *node) recordMethod(ctx context.Context) error {
	pages, err := n.pages()
	if err != nil {
		return err
	}
	files, err := n.dir.methodVersions(ctx)
	if err != nil {
		return fmt.Errorf("record method: %w", err)
	}
	history, err := dashboards.ReadMethodHistory(files)
	if err != nil {
		return fmt.Errorf("record method: %w", err)
	}
	name, body, changed, err := history.Next(pages.Statement(), n.clock.Now())
	if err != nil || !changed {
		return err
	}
	path := n.dir.path(filepath.FromSlash(name))
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
		return fmt.Errorf("record method: %w", err)
	}
	if err := durable.WriteOnce(path, body); err != nil {
		return fmt.Errorf("record method: %w", err)
	}
	n.log.Info("recorded another version of the method", slog.Int("version", len(files)+1))
	return nil
}
