package backup

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"throng"
	"throng/aggregate/ledger"
)

// Format names the form of an archive.
const Format = "throng/backup/1"

// The names in an archive, which are those below a state directory.
const (
	manifestName = "backup.json" // the last one, and only in an archive
	genesisName  = "genesis"
	receiptsName = "receipts"
	holdsName    = "holds"
	limitsName   = "limits"
)

// maxFileBytes bounds a file of an archive: whoever made it may not be trusted.
const maxFileBytes = 1 << 30

// Manifest is the last file of an archive and lists the others, in their order.
type Manifest struct {
	Format string `json:"format"` // always [Format]
	// Ledger is the end of the ledger in the archive.
	Ledger End `json:"ledger"`
	// Open is the number of releases that were reserved and not published.
	Open  int                 `json:"open"`
	Files []throng.FileDigest `json:"files"`
}

// End is the end of a ledger: its length, and the hash of its last entry.
type End struct {
	Entries int    `json:"entries"`
	Head    string `json:"head"`
}

func endOf(entries []ledger.Entry) End {
	return End{len(entries), entries[len(entries)-1].Hash}
}

// writer makes an archive.
type writer struct {
	tar      *tar.Writer
	manifest Manifest
}

// add writes a file. All that tells two runs apart, such as times and owners, is left out.
func (w *writer) add(name string, body []byte) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(body)), Mode: 0o600, ModTime: time.Unix(0, 0)}
	if err := w.tar.WriteHeader(h); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	if _, err := w.tar.Write(body); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	w.manifest.Files = append(w.manifest.Files, digest(name, body))
	return nil
}

// finish writes the manifest and the end of the archive.
func (w *writer) finish() error {
	body, err := json.MarshalIndent(w.manifest, "", "\t")
	if err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	if err := w.add(manifestName, append(body, '\n')); err != nil {
		return err
	}
	if err := w.tar.Close(); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	return nil
}

// each reads an archive and gives its files to take, in their order, the manifest as well. It compares the files
// with the manifest, and the manifest has to be the last.
func each(r io.Reader, take func(name string, body []byte) error) (Manifest, error) {
	files, m := tar.NewReader(r), Manifest{}
	var seen []throng.FileDigest
	for m.Format == "" {
		h, err := files.Next()
		if err != nil {
			return m, cut(err)
		}
		if h.Typeflag != tar.TypeReg || h.Size > maxFileBytes {
			return m, fmt.Errorf("read archive: file %d is none that a backup has", len(seen)+1)
		}
		body, err := io.ReadAll(files)
		if err != nil {
			return m, cut(err)
		}
		if h.Name == manifestName {
			if m, err = parseManifest(body, seen); err != nil {
				return m, err
			}
		}
		if err := take(h.Name, body); err != nil {
			return m, err
		}
		seen = append(seen, digest(h.Name, body))
	}
	if _, err := files.Next(); !errors.Is(err, io.EOF) {
		return m, errors.New("read archive: something follows its manifest")
	}
	return m, nil
}

// cut says what an archive that ends too early is.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("read archive: it was cut: its last file, the manifest, is missing; take another backup")
	}
	return fmt.Errorf("read archive: %w; take another backup", err)
}

// parseManifest reads the manifest and compares what it lists with the files before it.
func parseManifest(body []byte, seen []throng.FileDigest) (m Manifest, err error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil || m.Format != Format {
		return m, fmt.Errorf("read archive: its manifest is not of the form %s; was it made by a newer version?", Format)
	}
	if len(m.Files) != len(seen) {
		return m, fmt.Errorf("read archive: it has %d files and its manifest lists %d; take another backup", len(seen), len(m.Files))
	}
	for i, f := range m.Files {
		if f != seen[i] {
			return m, fmt.Errorf("read archive: %s is not the file that its manifest lists; take another backup", seen[i].Path)
		}
	}
	return m, nil
}

func digest(name string, body []byte) throng.FileDigest {
	return throng.FileDigest{Path: name, Bytes: int64(len(body)), SHA256: hashOf(body)}
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
