package main_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var links = regexp.MustCompile(`(?:href|src|action)="([^"#]+)`)

// crawl gets every page that can be reached from an address, by path, with its headers before it.
func crawl(t *testing.T, root string) map[string][]byte {
	t.Helper()
	const most = 400
	pages := map[string][]byte{}
	base, err := url.Parse(root)
	if err != nil {
		t.Fatal(err)
	}
	for queue := []string{"/", "/healthz", "/nothing-is-here"}; len(queue) > 0 && len(pages) < most; queue = queue[1:] {
		if _, known := pages[queue[0]]; known {
			continue
		}
		pages[queue[0]] = get(t, base.ResolveReference(&url.URL{Path: "/"}).String()+strings.TrimPrefix(queue[0], "/"))
		at, err := url.Parse(queue[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range links.FindAllSubmatch(pages[queue[0]], -1) {
			to, err := at.Parse(strings.ReplaceAll(string(m[1]), "&amp;", "&"))
			if err == nil && to.Host == "" {
				queue = append(queue, to.String())
			}
		}
	}
	return pages
}

// get is a response, with its headers.
func get(t *testing.T, address string) []byte {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b strings.Builder
	if err := res.Header.Write(&b); err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte(b.String()), body...)
}

func TestCrawlFindsPages(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			io.WriteString(w, `<a href="/a?x=1&amp;y=2">a</a> <a href="https://elsewhere.example/">b</a>`)
		case "/a":
			io.WriteString(w, `<img src="deep.svg">`)
		case "/deep.svg":
			io.WriteString(w, canaryWord)
		}
	}))
	defer srv.Close()
	found := 0
	for _, page := range crawl(t, srv.URL) {
		found += len(newSearch(canaryWord).find(page))
	}
	if found == 0 {
		t.Error("the canary on the third page is not found")
	}
}
