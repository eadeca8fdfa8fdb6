package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"throng"
	"throng/aggregate/ledger"
	"throng/retention"
	"throng/retention/hold"
)

// contents is what a sound archive holds: all but the releases, which are many.
type contents struct {
	manifest Manifest
	ledger   []byte
	entries  []ledger.Entry
	state    map[string][]byte // by name
	methods  [][]byte          // oldest first
	releases map[string]string // SHA-256 by name
}

// Verify reads an archive whole: every file is the one that the manifest lists, the chains of ledger, receipts,
// holds and method are whole, and the releases are those of the ledger, no more and no fewer.
func Verify(r io.Reader) (Manifest, error) {
	c, err := read(r)
	if err != nil {
		return Manifest{}, fmt.Errorf("verify backup: %w", err)
	}
	return c.manifest, nil
}

func read(r io.Reader) (*contents, error) {
	c := &contents{state: map[string][]byte{}, releases: map[string]string{}}
	var err error
	if c.manifest, err = each(r, c.take); err != nil {
		return nil, err
	}
	if len(c.entries) == 0 || endOf(c.entries) != c.manifest.Ledger || openIn(c.entries) != c.manifest.Open {
		return nil, errors.New("read archive: its manifest is not of its ledger")
	}
	return c, c.checkReleases()
}

// take keeps a file and checks what can be checked of it alone. Other names than those of a backup are refused,
// so that none leads out of a directory.
func (c *contents) take(name string, body []byte) (err error) {
	switch {
	case name == manifestName:
	case name == throng.LedgerName:
		c.ledger = body
		c.entries, err = ledger.Read(bytes.NewReader(body))
	case name == (throng.MethodVersion{Number: len(c.methods) + 1}).Path():
		if err = checkMethod(c.methods, body); err == nil {
			c.methods = append(c.methods, body)
		}
	case isState(name):
		c.state[name] = body
		err = checkState(name, body)
	case strings.HasPrefix(name, throng.ReleasesName+"/"):
		c.releases[name] = hashOf(body)
	default:
		err = errors.New("no backup has such a file")
	}
	if err != nil {
		return fmt.Errorf("read archive: %s: %w", name, err)
	}
	return nil
}

// checkReleases compares the releases with the ledger; a name that the ledger does not have is refused here.
func (c *contents) checkReleases() error {
	published := 0
	for _, e := range c.entries {
		if e.SHA256 == "" {
			continue
		}
		published++
		if c.releases[e.Release.Path()] != e.SHA256 {
			return fmt.Errorf("read archive: release %s is not there, or not as it was published", e.Release)
		}
	}
	if len(c.releases) != published {
		return fmt.Errorf("read archive: it has %d releases and its ledger %d", len(c.releases), published)
	}
	return nil
}

func isState(name string) bool { return name == genesisName || name == limitsName || grows(name) }

// grows tells whether a file is a chain of lines that only grows.
func grows(name string) bool { return name == receiptsName || name == holdsName }

// checkState checks a chain of lines.
func checkState(name string, body []byte) (err error) {
	switch name {
	case receiptsName:
		_, err = retention.ReadReceipts(bytes.NewReader(body))
	case holdsName:
		_, err = hold.Read(bytes.NewReader(body))
	}
	return err
}

// checkMethod tells whether a version of the method follows the ones before.
func checkMethod(before [][]byte, body []byte) error {
	var v throng.MethodVersion
	if err := json.Unmarshal(body, &v); err != nil || v.Format != throng.MethodVersionFormat {
		return fmt.Errorf("is not of the form %s", throng.MethodVersionFormat)
	}
	prev := ""
	if n := len(before); n > 0 {
		prev = hashOf(before[n-1])
	}
	if v.Number != len(before)+1 || v.Prev != prev {
		return errors.New("does not follow the version before it")
	}
	return nil
}
