package routelist

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// entry is a <url> or a <sitemap>. What else there is of it is not read.
type entry struct {
	Loc string `xml:"loc"`
}

// xml reads a sitemap or, where that is allowed, an index of sitemaps. No entity is expanded but those of
// XML itself; only UTF-8 is read, which the protocol asks for.
func (r *reader) xml(text io.Reader, index bool) error {
	dec := xml.NewDecoder(text)
	root, err := rootOf(dec)
	if err != nil {
		return err
	}
	item, take := "url", r.addURL
	switch {
	case root == "urlset":
	case root == "sitemapindex" && index:
		item, take = "sitemap", r.sitemap
	case root == "sitemapindex":
		return errors.New("an index within an index, which the protocol does not allow; name its sitemaps in the outer one")
	default:
		return fmt.Errorf("want a sitemap: the root is <%.40s>, not <urlset> or <sitemapindex>", root)
	}
	return entries(dec, item, take)
}

func rootOf(dec *xml.Decoder) (string, error) {
	for {
		token, err := dec.Token()
		if err != nil {
			return "", fmt.Errorf("read sitemap: %w", noEOF(err))
		}
		if start, ok := token.(xml.StartElement); ok {
			return start.Name.Local, nil
		}
	}
}

// entries gives the location of each item in the root.
func entries(dec *xml.Decoder, item string, take func(loc string) error) error {
	for n := 1; ; {
		token, err := dec.Token()
		if err != nil {
			return fmt.Errorf("read sitemap, entry %d: %w", n, noEOF(err))
		}
		switch t := token.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			if t.Name.Local != item {
				if err := dec.Skip(); err != nil {
					return fmt.Errorf("read sitemap, entry %d: %w", n, noEOF(err))
				}
				continue
			}
			var e entry
			if err := dec.DecodeElement(&e, &t); err != nil {
				return fmt.Errorf("read sitemap, entry %d: %w", n, noEOF(err))
			}
			if err := take(strings.TrimSpace(e.Loc)); err != nil {
				return fmt.Errorf("entry %d: %w", n, err)
			}
			n++
		}
	}
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// sitemap reads a sitemap that an index names.
func (r *reader) sitemap(url string) error {
	name, err := r.beside(url)
	if err != nil {
		return err
	}
	if r.sitemaps++; r.sitemaps > maxSitemaps {
		return fmt.Errorf("more than %d sitemaps", maxSitemaps)
	}
	return r.file(name, false)
}
