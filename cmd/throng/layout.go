package main

import (
	"cmp"
	"fmt"
	"path/filepath"

	"throng/anonymize/optout"
	"throng/internal/config"
	"throng/internal/durable"
)

// layout names what is in the state directory.
type layout string

func (d layout) path(name string) string { return filepath.Join(string(d), name) }

func (d layout) lock() string       { return d.path("lock") }
func (d layout) keys() string       { return d.path("keys/epoch") }
func (d layout) exports() string    { return d.path("keys/exports") }
func (d layout) optOutKey() string  { return d.path("keys/optout") }
func (d layout) ship() string       { return d.path("ship") }
func (d layout) clickhouse() string { return d.path("clickhouse") }
func (d layout) broker() string     { return d.path("broker") }
func (d layout) releases() string   { return d.path("releases") }
func (d layout) ledger() string     { return d.path("ledger") }
func (d layout) receipts() string   { return d.path("receipts") }
func (d layout) limits() string     { return d.path("limits") }
func (d layout) holds() string      { return d.path("holds") }
func (d layout) quarantine() string { return d.path("quarantine") }
func (d layout) tmp() string        { return d.path("tmp") }

// optOut are the files of the opt-out list.
func (d layout) optOut(c config.OptOut) optout.Files {
	return optout.Files{List: cmp.Or(c.ListFile, d.path("optout/list")), Key: d.optOutKey()}
}

// create makes the state directory, readable by its owner only.
func (d layout) create() error {
	for _, dir := range []string{string(d), d.path("keys"), d.ship(), d.releases(), d.quarantine(), d.tmp()} {
		if err := durable.MkdirAll(dir); err != nil {
			return fmt.Errorf("create state directory: %w", err)
		}
	}
	return nil
}
