// Package routelist reads the list of a site's routes that an operator gives: a text with one path,
// template or URL a line, an XML sitemap, or a sitemap index (sitemaps.org, protocol 0.90), each of them
// compressed by gzip or not. What a file is, its content tells, not its name.
//
// It guarantees that nothing is fetched: the sitemaps of an index are looked for on disk, beside it. Sizes
// are bounded as the protocol bounds them. It refuses what it cannot read whole; a list that is short of a
// page would silently take that page from those who opted out.
//
// It does not check that routes are well-formed paths: [throng/anonymize.New] does.
package routelist

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

const (
	// MaxBytes is the longest file, uncompressed; the protocol's own limit is 50 MiB.
	MaxBytes = 64 << 20
	// MaxRoutes is how many routes a site can have.
	MaxRoutes = 1_000_000
	// maxSitemaps is how many sitemaps an index can name.
	maxSitemaps = 50_000
)

// List is a list of routes in a folder.
type List struct {
	// Dir is the folder of the list and of what it names. Required.
	Dir fs.FS
	// Hosts are the site's host names in lower case: a URL of another host is refused. Defaults to none:
	// then a URL of any host is taken.
	Hosts []string
}

// Read reads the file of that name. Routes come in order and each once. An error names the file and the
// line or entry.
func (l List) Read(name string) ([]string, error) {
	r := reader{List: l, seen: map[string]bool{}}
	if err := r.file(name, true); err != nil {
		return nil, err
	}
	return r.routes, nil
}

// reader is one reading of a list.
type reader struct {
	List
	routes   []string
	seen     map[string]bool
	sitemaps int
}

// file reads a file; an index may be read where index is true.
func (r *reader) file(name string, index bool) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
	}()
	f, err := r.Dir.Open(name)
	if err != nil {
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		return err
	}
	defer f.Close()
	text, err := plain(bufio.NewReader(f))
	if err != nil {
		return err
	}
	if isXML(text) {
		return r.xml(text, index)
	}
	return r.lines(text)
}

// plain gives the text without compression. It fails on what is longer than MaxBytes.
func plain(b *bufio.Reader) (*bufio.Reader, error) {
	if magic, err := b.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, fmt.Errorf("decompress: %w", err)
		}
		b = bufio.NewReader(z)
	}
	return bufio.NewReader(&limitedReader{b, MaxBytes}), nil
}

// limitedReader fails where io.LimitedReader would say that the text ends.
type limitedReader struct {
	r    io.Reader
	left int
}

func (l *limitedReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= n; l.left < 0 {
		return 0, fmt.Errorf("longer than %d MiB; split it and name the parts in a sitemap index", MaxBytes>>20)
	}
	return n, err
}

// isXML tells whether the first byte that is no white space, behind a byte order mark, begins a tag.
func isXML(b *bufio.Reader) bool {
	head, _ := b.Peek(512)
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	return len(head) > 0 && head[0] == '<'
}

// lines reads a path, template or URL a line; empty lines and those that begin with # are passed over.
func (r *reader) lines(b *bufio.Reader) error {
	lines := bufio.NewScanner(b)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		err := errors.New("want a path, which begins with /, or a URL")
		switch {
		case strings.HasPrefix(line, "/"):
			err = r.add(line)
		case strings.Contains(line, "://"):
			err = r.addURL(line)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return lines.Err()
}

func (r *reader) add(route string) error {
	if r.seen[route] {
		return nil
	}
	if len(r.routes) == MaxRoutes {
		return fmt.Errorf("more than %d routes; write templates (/news/{title}) for pages of one kind", MaxRoutes)
	}
	r.seen[route] = true
	r.routes = append(r.routes, route)
	return nil
}

// addURL takes the path of a URL, as it is written. The query and the fragment are left out, as they are of
// requests; braces are none of a template.
func (r *reader) addURL(text string) error {
	host, route, err := cutURL(text)
	if err != nil {
		return err
	}
	if len(r.Hosts) > 0 && !slices.Contains(r.Hosts, host) {
		return errors.New("a URL of a host that is none of the site's; add the host to the site's hosts or take the entry out")
	}
	return r.add(strings.NewReplacer("{", "%7B", "}", "%7D").Replace(route))
}

func cutURL(text string) (host, route string, err error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return "", "", errors.New("want a URL that begins with https:// or http://")
	}
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i]
	}
	host, route, _ = strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host, ":")
	if host == "" {
		return "", "", errors.New("the URL has no host")
	}
	return strings.ToLower(host), "/" + route, nil
}

// beside is where a sitemap of an index is on disk: at the URL's path or its end, whichever is there.
func (r *reader) beside(url string) (string, error) {
	_, route, err := cutURL(url)
	if err != nil {
		return "", err
	}
	for name := path.Clean(route)[1:]; name != ""; {
		if _, err := fs.Stat(r.Dir, name); err == nil {
			return name, nil
		}
		_, name, _ = strings.Cut(name, "/")
	}
	return "", fmt.Errorf("sitemap %s is not on disk; nothing is fetched: put it beside the index", path.Base(route))
}
