package routelist_test

import (
	"bytes"
	"compress/gzip"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"throng/anonymize/routelist"
)

const sitemap = `<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
  <url><loc> https://www.example.org/ </loc><lastmod>2026-11-20</lastmod></url>
  <!-- a comment -->
  <url><image:image><image:loc>https://www.example.org/x.png</image:loc></image:image><loc>https://WWW.example.org:443/caf%C3%A9/?a=1&amp;b=2#c</loc></url>
  <url><loc>http://www.example.org/a{b}</loc></url>
  <url><loc>http://www.example.org/</loc></url>
</urlset>`

const index = `<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
  <sitemap><loc>https://www.example.org/maps/one.xml.gz</loc></sitemap>
  <sitemap><loc>https://www.example.org/maps/two.txt</loc></sitemap>
</sitemapindex>`

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func folder(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

func TestRead(t *testing.T) {
	pages := []string{"/", "/caf%C3%A9/", "/a%7Bb%7D"}
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"list":            {map[string]string{"r": "\ufeff# pages\n/a\r\n\n  /b/{id} \n/a\nhttps://www.example.org/c?x=1\n"}, []string{"/a", "/b/{id}", "/c"}},
		"empty":           {map[string]string{"r": ""}, nil},
		"list.gz":         {map[string]string{"r": zipped(t, "/a\n")}, []string{"/a"}},
		"sitemap":         {map[string]string{"r": sitemap}, pages},
		"sitemap, spaced": {map[string]string{"r": "\ufeff\n " + sitemap[strings.Index(sitemap, "\n"):]}, pages},
		"sitemap.gz":      {map[string]string{"r": zipped(t, sitemap)}, pages},
		"index": {map[string]string{"r": index, "one.xml.gz": zipped(t, sitemap), "maps/two.txt": "https://www.example.org/two\n"},
			append(slices.Clone(pages), "/two")},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := routelist.List{Dir: folder(c.files), Hosts: []string{"www.example.org"}}.Read("r")
			if err != nil || !slices.Equal(got, c.want) {
				t.Fatalf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestWhatCannotBeReadWholeIsRefused(t *testing.T) {
	const outside = `<!DOCTYPE urlset [<!ENTITY x SYSTEM "file:///etc/passwd">]><urlset><url><loc>&x;</loc></url></urlset>`
	for why, files := range map[string]map[string]string{
		"file does not exist":      {"s": ""},
		"line 2: want a path":      {"r": "/a\nabout\n"},
		"none of the site's":       {"r": "https://other.example/\n"},
		"begins with https://":     {"r": "ftp://www.example.org/\n"},
		"has no host":              {"r": "https:///a\n"},
		"unexpected EOF":           {"r": sitemap[:len(sitemap)-20]},
		"root is <html>":           {"r": "<html></html>"},
		"entry 1: want a URL":      {"r": "<urlset><url><loc>/a</loc></url></urlset>"},
		"invalid character entity": {"r": outside},
		"unexpected EOF ":          {"r": zipped(t, sitemap)[:60]},
		"two.txt is not on disk":   {"r": index, "one.xml.gz": sitemap},
		"an index within":          {"r": index, "one.xml.gz": index},
		"longer than 64 MiB":       {"r": zipped(t, strings.Repeat("# x\n", routelist.MaxBytes/4+1))},
	} {
		t.Run(why, func(t *testing.T) {
			got, err := routelist.List{Dir: folder(files), Hosts: []string{"www.example.org"}}.Read("r")
			if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(why)) || !strings.HasPrefix(err.Error(), "r: ") {
				t.Fatalf("got %q, %v", got, err)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(sitemap))
	f.Add([]byte(index))
	f.Add([]byte("/a\nhttps://x/b\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		routes, err := routelist.List{Dir: folder(map[string]string{"r": string(text)})}.Read("r")
		for _, r := range routes {
			if err != nil || r[0] != '/' {
				t.Fatalf("%q, %v", r, err)
			}
		}
	})
}
