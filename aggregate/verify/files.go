package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"throng"
)

// maxFileBytes bounds what is read of a file that somebody else serves.
const maxFileBytes = 256 << 20

// Published are the files under a base. The error of a file that does not exist wraps [fs.ErrNotExist].
type Published interface {
	ReadFile(ctx context.Context, name string) ([]byte, error)
	// Releases names the release files without a manifest; the error wraps [errors.ErrUnsupported]
	// where files cannot be listed.
	Releases(ctx context.Context) ([]string, error)
}

// Dir are the files of a directory: a bundle, or a state directory.
type Dir struct{ fs.FS }

// ReadFile reads a file.
func (d Dir) ReadFile(_ context.Context, name string) ([]byte, error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() // read only: its error tells nothing
	return limited(f, name)
}

// Releases names the release files.
func (d Dir) Releases(context.Context) ([]string, error) {
	return fs.Glob(d.FS, throng.ReleasesName+"/*/*/*.json")
}

// Web are the files under an address.
type Web struct {
	// Base is the address under which manifest.json lies. Required.
	Base *url.URL
	// Client asks for the files. Required; it should have a time-out.
	Client *http.Client
}

// ReadFile asks for a file.
func (w Web) ReadFile(ctx context.Context, name string) ([]byte, error) {
	address := w.Base.JoinPath(strings.Split(name, "/")...).String()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	res, err := w.Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() // its error tells nothing
	switch {
	case res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusGone:
		return nil, fmt.Errorf("%s: %w", address, fs.ErrNotExist)
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s: answered %s", address, res.Status)
	}
	return limited(res.Body, name)
}

// Releases cannot be named: a web server does not list its files.
func (w Web) Releases(context.Context) ([]string, error) {
	return nil, fmt.Errorf("list releases under %s: %w", w.Base, errors.ErrUnsupported)
}

func limited(r io.Reader, name string) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err == nil && len(b) > maxFileBytes {
		err = fmt.Errorf("%s: more than %d bytes", name, maxFileBytes)
	}
	return b, err
}

// decode reads one JSON value and nothing else: what a verifier does not know it has not verified.
func decode(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// releaseID is the release whose file has this name; ok is false for other names.
func releaseID(name string) (id throng.ReleaseID, ok bool) {
	parts := strings.Split(strings.TrimSuffix(name, path.Ext(name)), "/")
	if len(parts) != 4 {
		return id, false
	}
	period, err := throng.ParsePeriod(parts[3])
	id = throng.ReleaseID{Site: parts[1], Table: parts[2], Period: period}
	return id, err == nil && id.Path() == name && !slices.Contains(parts, "..")
}
