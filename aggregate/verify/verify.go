package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"throng"
)

// Options configure [Run].
type Options struct {
	// Files are what was published. Required.
	Files Published
	// Head is the hash of a ledger entry that was noted earlier; the ledger has to hold it. Defaults to
	// none: then nothing shows that the end was not cut off.
	Head string
}

// run is one verification.
type run struct {
	Options
	report   *Report
	manifest *throng.Manifest      // nil where there is none
	version  *throng.MethodVersion // the last of the method; nil where none is kept
	book     *book
	releases map[throng.ReleaseID]*throng.Release
}

// Run reads everything that was published and checks it. The error says that it could not be read;
// what does not hold is in the report.
func Run(ctx context.Context, o Options) (*Report, error) {
	r := &run{Options: o, report: &Report{}, releases: map[throng.ReleaseID]*throng.Release{}}
	for _, step := range []func(context.Context) error{r.readManifest, r.readLedger, r.readReleases, r.readMethods, r.readMethod} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("verify: %w", err)
		}
	}
	r.checkReleases()
	r.checkHistory()
	r.report.Releases, r.report.Entries, r.report.Head = len(r.releases), len(r.book.hashes), r.book.head()
	return r.report, nil
}

func (r *run) readManifest(ctx context.Context) error {
	b, err := r.Files.ReadFile(ctx, throng.ManifestName)
	if errors.Is(err, fs.ErrNotExist) {
		if _, listed := r.Files.Releases(ctx); listed != nil {
			return fmt.Errorf("read %s: %w: give the address under which it lies", throng.ManifestName, err)
		}
		r.report.Notes = append(r.report.Notes, "there is no manifest: the files of the directory were taken for all that is published")
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", throng.ManifestName, err)
	}
	c := r.report.claim("the manifest is of a form that is known, and names each file once")
	c.Looked++
	m := &throng.Manifest{}
	if err := decode(b, m); err != nil || m.Format != throng.ManifestFormat {
		c.fault(throng.ManifestName, "it is not of the form %s", throng.ManifestFormat)
		return nil
	}
	if m.Method.Path != throng.MethodName || m.Ledger.Path != throng.LedgerName {
		c.fault(throng.ManifestName, "method and ledger have other names than %s and %s", throng.MethodName, throng.LedgerName)
	}
	seen := map[string]bool{}
	for _, f := range m.Releases {
		if _, ok := releaseID(f.Path); !ok || seen[f.Path] {
			c.fault(throng.ManifestName, "%q is not the name of a release, or is there twice", f.Path)
		}
		seen[f.Path] = true
	}
	r.manifest = m
	return nil
}

func (r *run) readLedger(ctx context.Context) error {
	b, err := r.Files.ReadFile(ctx, throng.LedgerName)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	chain := r.report.claim("the ledger is one unbroken chain of hashes")
	paid := r.report.claim("every release was paid for before it was published, once, within the ceilings of ε and δ")
	if m := r.manifest; m != nil {
		// The ledger may have grown since the manifest was made.
		switch n := m.Ledger.Bytes; {
		case n < entryBytes || int64(len(b)) < n:
			chain.fault(throng.LedgerName, "it has %d bytes, the manifest says %d: it was cut", len(b), n)
		case digest(b[:n]) != m.Ledger.SHA256:
			chain.fault(throng.LedgerName, "its first %d bytes do not have the SHA-256 that the manifest gives: it was rewritten, or comes from elsewhere", n)
		}
	}
	r.book = readLedger(b, chain, paid)
	if r.Head != "" && !slices.Contains(r.book.hashes, strings.ToLower(r.Head)) {
		chain.fault(throng.LedgerName, "it does not hold the head that was noted earlier: its end was cut off, or it was begun anew")
	}
	return nil
}

// readReleases reads every release that manifest, ledger or directory name.
func (r *run) readReleases(ctx context.Context) error {
	c := r.report.claim("every release that the ledger records is there, byte for byte, and no other")
	names := map[string]string{} // file to its SHA-256
	for _, id := range r.book.order {
		names[id.Path()] = r.book.accounts[id].sha256
	}
	others, err := r.named(ctx, c, names)
	if err != nil {
		return err
	}
	for _, name := range others {
		if _, known := names[name]; !known {
			c.Looked++
			c.fault(name, "the ledger does not know that it was published")
			names[name] = ""
		}
	}
	for _, name := range sortedKeys(names) {
		if err := r.readRelease(ctx, c, name, names[name]); err != nil {
			return err
		}
	}
	return nil
}

// named are the releases that the manifest lists, or else the directory has.
func (r *run) named(ctx context.Context, c *Claim, known map[string]string) (names []string, err error) {
	if r.manifest == nil {
		return r.Files.Releases(ctx)
	}
	for _, f := range r.manifest.Releases {
		names = append(names, f.Path)
		if sum, ok := known[f.Path]; ok && sum != f.SHA256 {
			c.fault(f.Path, "manifest and ledger give it different SHA-256")
		}
	}
	// What was published after the manifest was made may be missing in it, but only that.
	if len(names) < len(r.book.order) && r.manifest.Ledger.Bytes == int64(len(r.book.hashes))*entryBytes {
		c.fault(throng.ManifestName, "it lists %d releases, the ledger has %d", len(names), len(r.book.order))
	}
	return names, nil
}

func (r *run) readRelease(ctx context.Context, c *Claim, name, sum string) error {
	c.Looked++
	b, err := r.Files.ReadFile(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		c.fault(name, "the ledger says that it was published, and it is not there")
		return nil
	}
	if err != nil {
		return fmt.Errorf("read release: %w", err)
	}
	if sum != "" && digest(b) != sum {
		c.fault(name, "its SHA-256 is not the one in the ledger: it was changed after its publication")
	}
	id, ok := releaseID(name)
	rel := &throng.Release{}
	switch err := decode(b, rel); {
	case err != nil:
		c.fault(name, "it is not a release of the form %s, or says something that this verifier does not know: %v", throng.ReleaseFormat, err)
	case rel.CheckFormat() != nil:
		c.fault(name, "%v", rel.CheckFormat())
	case !ok || rel.ID() != id:
		c.fault(name, "it calls itself %s", rel.ID())
	default:
		r.releases[id] = rel
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
