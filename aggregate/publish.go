package aggregate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"throng"
	"throng/internal/durable"
)

// ErrLost says that a day was not closed while its unit tokens existed: it will have no release.
var ErrLost = errors.New("the day is lost")

// encode gives the bytes of a drawn release.
func (d *draft) encode(complete throng.Completeness) ([]byte, error) {
	return encode(&throng.Release{
		Format:         throng.ReleaseFormat,
		Site:           d.id.Site,
		Table:          d.id.Table,
		Period:         d.id.Period,
		Tree:           d.account.Tree,
		Parameters:     d.account.Parameters,
		Complete:       complete,
		Withheld:       d.withheld,
		Rows:           d.rows,
		OptedOut:       d.optedOut,
		ClippedPercent: d.clipped,
		BotPercent:     d.bots,
	})
}

func encode(r *throng.Release) ([]byte, error) {
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", r.ID(), err)
	}
	return append(b, '\n'), nil
}

func decode(release []byte) (*throng.Release, error) {
	r := &throng.Release{}
	if err := json.Unmarshal(release, r); err != nil {
		return nil, fmt.Errorf("decode release: %w", err)
	}
	return r, nil
}

// completeness says what is missing of each release, as coarsely as it may be said.
func (c *Closer) completeness(ctx context.Context, period throng.Period, ids []throng.ReleaseID) ([]throng.Completeness, error) {
	all := make([]throng.Completeness, len(ids))
	if period.Kind() != throng.DayPeriod {
		for i, id := range ids {
			var err error
			if all[i], err = c.completenessOf(id); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	day := period.First()
	tally, err := c.Store.Tally(ctx, day)
	if err != nil {
		return nil, err
	}
	missing, err := c.behind(ctx, day, day.End())
	if err != nil {
		return nil, err
	}
	lines := tally.Events + tally.Rejected + tally.Late
	for i := range all {
		all[i] = throng.Completeness{
			MissingSources: append([]string{}, missing...),
			Late:           throng.ShareOf(tally.Late, lines),
			Rejected:       throng.ShareOf(tally.Rejected, lines),
		}
	}
	return all, nil
}

// stored is a release that was drawn before: its file, or its staged bytes where a crash came before the
// file; nil when it may be drawn.
func (c *Closer) stored(id throng.ReleaseID) ([]byte, error) {
	a, reserved := c.Ledger.Reservation(id)
	release, err := os.ReadFile(c.path(id))
	switch {
	case err == nil:
		return release, c.agrees(id, release)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read release: %w", err)
	case !reserved:
		return nil, nil
	case a.Published():
		return nil, fmt.Errorf("release %s is in the ledger and its file is gone: restore it from a published copy or the mirror; it cannot be drawn again", id)
	}
	release, _, err = c.Ledger.Staged(id)
	return release, err
}

// path is the file of a release.
func (c *Closer) path(id throng.ReleaseID) string {
	return filepath.Join(c.Releases, filepath.FromSlash(id.String())+".json")
}

// agrees checks a release file against the ledger.
func (c *Closer) agrees(id throng.ReleaseID, release []byte) error {
	a, reserved := c.Ledger.Reservation(id)
	switch {
	case !reserved:
		return fmt.Errorf("release %s exists and the ledger does not know it: the ledger is older than the releases; restore its published copy", id)
	case a.Published() && a.SHA256 != hashOf(release):
		return fmt.Errorf("release %s is not the one in the ledger: restore it from a published copy or the mirror", id)
	}
	return nil
}

// publish makes a drawn release the one of its period: file, ledger, mirror. Each step does nothing
// where it was done before.
func (c *Closer) publish(ctx context.Context, id throng.ReleaseID, release []byte) error {
	if err := c.link(id, release); err != nil {
		return fmt.Errorf("write release %s: %w", id, err)
	}
	sum := hashOf(release)
	if err := c.Ledger.Publish(id, sum); err != nil {
		return err
	}
	return c.Store.MirrorRelease(ctx, id, sum, release)
}

func (c *Closer) link(id throng.ReleaseID, release []byte) error {
	if err := c.disk.MkdirAll(filepath.Dir(c.path(id))); err != nil {
		return err
	}
	err := c.disk.WriteOnce(c.path(id), release)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	there, err := os.ReadFile(c.path(id))
	if err == nil && !bytes.Equal(there, release) {
		err = errors.New("another file has its name")
	}
	return err
}

// check compares all release files with the ledger. One that the ledger does not know, or knows
// otherwise, means that one of the two was replaced by an older copy; going on would spend a
// period's budget twice.
func (c *Closer) check() error {
	files, err := filepath.Glob(filepath.Join(c.Releases, "*", "*", "*.json"))
	if err != nil {
		return fmt.Errorf("check releases: %w", err)
	}
	for _, f := range slices.Sorted(slices.Values(files)) {
		if err := c.checkFile(f); err != nil {
			return fmt.Errorf("check releases: %w", err)
		}
	}
	return c.tidy()
}

// tidy removes what a crash left of files that were being written.
func (c *Closer) tidy() error {
	tables, err := filepath.Glob(filepath.Join(c.Releases, "*", "*"))
	for _, dir := range tables {
		err = errors.Join(err, durable.RemoveStaged(dir))
	}
	if err != nil {
		return fmt.Errorf("tidy releases: %w", err)
	}
	return nil
}

func (c *Closer) checkFile(path string) error {
	rel, err := filepath.Rel(c.Releases, path)
	if err != nil {
		return err
	}
	parts := strings.Split(filepath.ToSlash(strings.TrimSuffix(rel, ".json")), "/")
	period, err := throng.ParsePeriod(parts[len(parts)-1])
	if err != nil {
		return fmt.Errorf("%s is no release: %w", path, err)
	}
	release, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return c.agrees(throng.ReleaseID{Site: parts[0], Table: parts[1], Period: period}, release)
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
