package access_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"throng/dashboards/access"
)

// pages answer with what was asked; /open is for everyone.
type pages struct{}

func (pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=60")
	fmt.Fprint(w, "page "+r.URL.Path)
}
func (pages) ForEveryone(path string) bool { return path == "/open" }
func (pages) Refuse(w http.ResponseWriter, _ *http.Request, status int, message string) {
	http.Error(w, message, status)
}

// clock moves when it is told to.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time                       { return c.now }
func (c *clock) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

const token = "0123456789abcdef"

func gate(t *testing.T, change func(*access.Options)) (http.Handler, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	o := access.Options{Pages: pages{}, Rate: 2, Clock: c}
	if change != nil {
		change(&o)
	}
	h, err := access.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h, c
}

func ask(h http.Handler, from, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr = from
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestTokens(t *testing.T) {
	tokens, err := access.ReadTokens(strings.NewReader("# analysts\n\nalice fedcba9876543210\nbob\t" + token + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	h, _ := gate(t, func(o *access.Options) { o.Tokens = tokens })
	basic := func(name, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
	}
	for name, c := range map[string]struct {
		path, authorization string
		want                int
	}{
		"nothing":                {"/", "", 401},
		"for everyone":           {"/open", "", 200},
		"bearer":                 {"/", "Bearer " + token, 200},
		"another's bearer":       {"/", "Bearer fedcba9876543210", 200},
		"a browser's":            {"/", basic("bob", token), 200},
		"any name":               {"/", basic("", token), 200},
		"wrong":                  {"/", "Bearer " + token + "0", 401},
		"a part":                 {"/", "Bearer " + token[:15], 401},
		"a wrong password":       {"/", basic(token, "bob"), 401},
		"the token alone":        {"/", token, 401},
		"no token after all":     {"/", "Bearer ", 401},
		"both tokens":            {"/", "Bearer " + token + " fedcba9876543210", 401},
		"a comment is no token":  {"/", "Bearer analysts", 401},
		"of an unknown scheme":   {"/", "Digest " + token, 401},
		"wrong, and no business": {"/open", "Bearer x", 200},
	} {
		header := []string{"Authorization", c.authorization}
		if c.authorization == "" {
			header = nil
		}
		w := ask(h, "192.0.2.1:1", c.path, header...)
		if w.Code == 429 { // the table is longer than a bucket
			h, _ = gate(t, func(o *access.Options) { o.Tokens = tokens })
			w = ask(h, "192.0.2.1:1", c.path, header...)
		}
		if w.Code != c.want || (w.Code == 401) != strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%s: %d, want %d", name, w.Code, c.want)
		}
		if protected := c.path == "/"; strings.Contains(w.Header().Get("Cache-Control"), "public") == protected && w.Code == 200 || protected != (w.Header().Get("Vary") == "Authorization") {
			t.Errorf("%s: a cache could give it to others: %v", name, w.Header())
		}
	}
}

func TestTokenFilesAreRefused(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "comments only": "# alice\n", "short": "alice 0123456789abcde\n", "no name": token + "\n", "three words": "alice " + token + " x\n"} {
		if _, err := access.ReadTokens(strings.NewReader(text)); err == nil || strings.Contains(err.Error(), "0123") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestANetworkIsLimited(t *testing.T) {
	h, c := gate(t, nil)
	for i := range 20 {
		if w := ask(h, fmt.Sprintf("192.0.2.%d:80", i), "/"); w.Code != 200 {
			t.Fatalf("request %d of the bucket: %d", i, w.Code)
		}
	}
	if w := ask(h, "192.0.2.99:80", "/"); w.Code != 429 || w.Header().Get("Retry-After") != "1" {
		t.Errorf("beyond the bucket: %d", w.Code)
	}
	if w := ask(h, "198.51.100.1:80", "/"); w.Code != 200 {
		t.Errorf("another network: %d", w.Code)
	}
	if w := ask(h, "[2001:db8::1]:80", "/"); w.Code != 200 {
		t.Errorf("IPv6: %d", w.Code)
	}
	c.now = c.now.Add(time.Second)
	for i, want := range []int{200, 200, 429} {
		if w := ask(h, "192.0.2.1:80", "/"); w.Code != want {
			t.Errorf("request %d after a second: %d, want %d", i, w.Code, want)
		}
	}
	// An emptied bucket is not forgotten before it would be full.
	for range 9 {
		c.now = c.now.Add(time.Second)
		for _, want := range []int{200, 200, 429} {
			if w := ask(h, "192.0.2.1:80", "/"); w.Code != want {
				t.Fatalf("at %v: %d, want %d", c.now, w.Code, want)
			}
		}
	}
	c.now = c.now.Add(time.Minute)
	for i := range 20 {
		if w := ask(h, "192.0.2.1:80", "/"); w.Code != 200 {
			t.Fatalf("request %d after a minute: %d", i, w.Code)
		}
	}
}

func TestWhoAsks(t *testing.T) {
	for name, c := range map[string]struct {
		proxies   int
		from      string
		forwarded []string
		limited   bool // by the first reader's bucket
	}{
		"the connection":                  {0, "192.0.2.7:1", nil, true},
		"a claim is not believed":         {0, "192.0.2.7:1", []string{"X-Forwarded-For", "198.51.100.1"}, true},
		"this machine":                    {0, "127.0.0.1:1", nil, false},
		"this machine, IPv6":              {0, "[::1]:1", nil, false},
		"behind a proxy":                  {1, "127.0.0.1:1", []string{"X-Forwarded-For", "192.0.2.8"}, true},
		"behind a proxy, with a claim":    {1, "127.0.0.1:1", []string{"X-Forwarded-For", "198.51.100.1, 192.0.2.8"}, true},
		"behind a proxy, two fields":      {1, "127.0.0.1:1", []string{"X-Forwarded-For", "198.51.100.1", "X-Forwarded-For", "192.0.2.8"}, true},
		"behind two":                      {2, "127.0.0.1:1", []string{"X-Forwarded-For", "192.0.2.8, 10.0.0.1"}, true},
		"behind a proxy, another":         {1, "127.0.0.1:1", []string{"X-Forwarded-For", "192.0.2.8, 198.51.100.1"}, false},
		"behind a proxy, with port":       {1, "127.0.0.1:1", []string{"X-Forwarded-For", "192.0.2.8:4711"}, true},
		"behind a proxy, mapped":          {1, "127.0.0.1:1", []string{"X-Forwarded-For", "::ffff:192.0.2.8"}, true},
		"behind a proxy that says naught": {1, "192.0.2.7:1", nil, true},
	} {
		h, _ := gate(t, func(o *access.Options) { o.TrustedProxies = c.proxies })
		for range 20 {
			ask(h, "192.0.2.7:1", "/", "X-Forwarded-For", strings.TrimPrefix(strings.Repeat(", 192.0.2.7", max(1, c.proxies)), ", "))
		}
		if w := ask(h, c.from, "/", c.forwarded...); (w.Code == 429) != c.limited {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}
