package dashboards

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"

	"throng"
)

// maxFileBytes bounds a file: a month of 100,000 rows has about 25 MiB.
const maxFileBytes = 128 << 20

// ErrAltered marks a release whose file is not the one that the ledger knows.
var ErrAltered = errors.New("the file is not the one in the ledger")

// Hashes knows the SHA-256 of every release, in hexadecimal: the ledger. An unknown release is an
// error.
type Hashes interface {
	SHA256(context.Context, throng.ReleaseID) (string, error)
}

// Files are releases in files named SITE/TABLE/PERIOD.json. A file is decoded strictly: an unknown
// field, rows out of order or another name inside than outside are errors. Nothing is kept: each call
// reads the file.
type Files struct {
	fsys   fs.FS
	hashes Hashes
}

// NewFiles reads releases from fsys, usually os.DirFS of the state directory's releases folder. With
// hashes, each release is compared with what they say on every use; nil leaves that out.
func NewFiles(fsys fs.FS, hashes Hashes) *Files {
	return &Files{fsys: fsys, hashes: hashes}
}

// List names the releases. Files and folders with other names than a release can have are not
// listed; neither is an error for a folder that does not exist yet.
func (f *Files) List(ctx context.Context) ([]throng.ReleaseID, error) {
	names, err := fs.Glob(f.fsys, "*/*/*.json")
	if err != nil {
		return nil, fmt.Errorf("list releases: %w", err)
	}
	var ids []throng.ReleaseID
	for _, name := range names {
		if id, ok := parseName(name); ok {
			ids = append(ids, id)
		}
	}
	return ids, ctx.Err()
}

var tableName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

func parseName(name string) (throng.ReleaseID, bool) {
	part := strings.Split(strings.TrimSuffix(name, ".json"), "/")
	if len(part) != 3 {
		return throng.ReleaseID{}, false
	}
	return parseID(part[0], part[1], part[2])
}

// parseID is the only way from text to a file name; what it lets through cannot leave the folder.
func parseID(site, table, period string) (throng.ReleaseID, bool) {
	if !siteID.MatchString(site) || !tableName.MatchString(table) {
		return throng.ReleaseID{}, false
	}
	p, err := throng.ParsePeriod(period)
	return throng.ReleaseID{Site: site, Table: table, Period: p}, err == nil && p.String() == period
}

// Get reads a release.
func (f *Files) Get(ctx context.Context, id throng.ReleaseID) (*Stored, error) {
	if _, ok := parseID(id.Site, id.Table, id.Period.String()); !ok {
		return nil, fmt.Errorf("read release: name: %w", fs.ErrNotExist)
	}
	s, err := f.read(id)
	if err != nil {
		return nil, fmt.Errorf("read release %s: %w", id, err)
	}
	if f.hashes == nil {
		return s, ctx.Err()
	}
	sum, err := f.hashes.SHA256(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("look up hash of release %s: %w", id, err)
	}
	if sum != s.SHA256 {
		return nil, fmt.Errorf("check release %s: %w", id, ErrAltered)
	}
	return s, nil
}

// read takes a checksum of the file while it decodes it: each takes as long as the other.
func (f *Files) read(id throng.ReleaseID) (*Stored, error) {
	body, err := f.body(id.String() + ".json")
	if err != nil {
		return nil, err
	}
	sum := make(chan [sha256.Size]byte, 1)
	go func() { sum <- sha256.Sum256(body) }()
	rel, err := decode(body, id)
	of := <-sum // also where there is an error: nothing runs on after the call
	if err != nil {
		return nil, err
	}
	return &Stored{Release: rel, Body: body, SHA256: hex.EncodeToString(of[:])}, nil
}

// body reads a file of at most maxFileBytes, into memory of its size.
func (f *Files) body(name string) ([]byte, error) {
	in, err := f.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close() // read only: its error tells nothing
	info, err := in.Stat()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Grow(int(min(info.Size(), maxFileBytes)) + bytes.MinRead) // ReadFrom grows it where less is free
	if _, err := b.ReadFrom(io.LimitReader(in, maxFileBytes+1)); err != nil {
		return nil, err
	}
	if b.Len() > maxFileBytes {
		return nil, fmt.Errorf("the file has more than %d bytes", maxFileBytes)
	}
	return b.Bytes(), nil
}

func check(rel *throng.Release, id throng.ReleaseID) error {
	if err := rel.CheckFormat(); err != nil {
		return err
	}
	if rel.ID() != id {
		return errors.New("the file is named after another release")
	}
	for i, row := range rel.Rows {
		if i > 0 && cmp.Or(cmp.Compare(rel.Rows[i-1].Key, row.Key), cmp.Compare(rel.Rows[i-1].Holder, row.Holder)) >= 0 {
			return fmt.Errorf("row %d is out of order", i)
		}
		if !whole(row.Visits) || !whole(row.Devices) {
			return fmt.Errorf("row %d has a number without its interval or reason", i)
		}
	}
	for i, o := range rel.OptedOut {
		if i > 0 && rel.OptedOut[i-1].Group >= o.Group || !whole(o.OptedOutVisits) || !whole(throng.Published(o.OfVisits)) {
			return fmt.Errorf("opted-out group %d is out of order or has a number without its interval or reason", i)
		}
	}
	if !whole(rel.ClippedPercent) {
		return errors.New("the share of clipped devices has neither an interval nor a reason")
	}
	if rel.Format == throng.ReleaseFormat && !whole(rel.BotPercent) {
		return errors.New("the share of bots has neither an interval nor a reason")
	}
	return nil
}

// whole tells whether a measure is a number with its interval, or a reason.
func whole(m throng.Measure) bool {
	e, ok := m.Estimate()
	return ok && e.Low <= e.Value && e.Value <= e.High || !ok && m.Reason() != ""
}
