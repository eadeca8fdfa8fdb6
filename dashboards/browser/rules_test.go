package browser_test

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// maxPageBytes is what a page may move over the network with all that it loads, nothing cached.
const maxPageBytes = 150_000

// watch is what happens in a window since the last page was asked for.
type watch struct {
	mu      sync.Mutex // guards all below: events come on the connection's goroutine
	hosts   map[string]bool
	waiting map[network.RequestID]string // what was asked for and has not come
	bytes   float64
	faults  []string
	where   string
}

// start switches the events on. Nothing is taken from the cache, so that each page has its full weight.
func (s *watch) start(ctx context.Context, tab *chromedp.Target) (none chromedp.Void, err error) {
	if _, err = cdp.Call(ctx, tab, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true}); err != nil {
		return none, err
	}
	_, err = cdp.Call(ctx, tab, audits.Enable, cdp.Empty{})
	return none, err
}

func (s *watch) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosts, s.waiting, s.bytes, s.faults = map[string]bool{}, map[network.RequestID]string{}, 0, nil
}

func (s *watch) at() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.where
}

func (s *watch) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

// event takes an event of the window.
func (s *watch) event(ev any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		s.request(ev)
	case *network.EventLoadingFinished:
		s.bytes += ev.EncodedDataLength
		delete(s.waiting, ev.RequestID)
	case *network.EventLoadingFailed:
		delete(s.waiting, ev.RequestID)
		if !ev.Canceled { // which a download is
			s.fault("a %s failed to load: %s %s", ev.Type, ev.ErrorText, ev.BlockedReason)
		}
	case *network.EventResponseReceived:
		if ev.Response.Status >= 400 && ev.Type != network.ResourceTypeDocument {
			s.fault("%s: status %d", ev.Response.URL, ev.Response.Status)
		}
	case *page.EventFrameNavigated:
		if ev.Frame.ParentID == "" {
			s.where = ev.Frame.URL
		}
	case *log.EventEntryAdded:
		if ev.Entry.Level != log.EntryLevelVerbose && ev.Entry.Source != log.EntrySourceNetwork { // whose faults are above
			s.fault("console: %s", ev.Entry.Text)
		}
	case *runtime.EventConsoleAPICalled:
		s.fault("a script wrote to the console")
	case *runtime.EventExceptionThrown:
		s.fault("a script failed: %s", ev.ExceptionDetails.Text)
	case *audits.EventIssueAdded:
		s.fault("the browser reports %s", ev.Issue.Code)
	}
}

func (s *watch) request(ev *network.EventRequestWillBeSent) {
	u, err := url.Parse(ev.Request.URL)
	if err != nil || u.Scheme == "data" {
		return
	}
	if s.hosts == nil {
		return // before the first page
	}
	s.hosts[u.Host] = true
	if ev.Type == network.ResourceTypeOther {
		return // the icon, which the browser gets for itself, and may leave when the reader goes on
	}
	s.waiting[ev.RequestID] = ev.Type.String() + " " + u.Path
}

// missing is what was asked for and has not come.
func (s *watch) missing() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.waiting))
}

// verdict is what is against the rules.
func (s *watch) verdict(base string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	faults := s.faults
	for host := range s.hosts {
		if !strings.HasSuffix(base, "//"+host) {
			faults = append(faults, "it asked "+host)
		}
	}
	if s.bytes >= maxPageBytes {
		faults = append(faults, fmt.Sprintf("it moved %.0f bytes, and may move fewer than %d", s.bytes, maxPageBytes))
	}
	return faults
}

// obey holds the page that is shown to the rules.
func (w *window) obey(what string) {
	w.t.Helper()
	for waited := time.Duration(0); len(w.watched.missing()) > 0; waited += 5 * time.Millisecond {
		if waited > patience {
			w.t.Fatalf("%s: %s did not get %q", what, w.watched.at(), w.watched.missing())
		}
		time.Sleep(5 * time.Millisecond)
	}
	for _, fault := range w.watched.verdict(w.base) {
		w.t.Errorf("%s: %s: %s", what, w.watched.at(), fault)
	}
	if width := eval[int64](w, width); width > w.look.Width {
		w.t.Errorf("%s: %s is %d wide in a window of %d: %s", what, w.watched.at(), width, w.look.Width, eval[string](w, widest))
	}
}

// width is that of the page; the browser's own view of a file is as wide as it likes.
const width = `document.contentType === 'text/html' ? Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) : 0`

// widest names what reaches out of the window.
const widest = `[...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > innerWidth && !e.closest('.scroll')).slice(0, 5)
	.map(e => e.tagName + '.' + e.getAttribute('class') + ' ' + Math.round(e.getBoundingClientRect().right)).join(', ')`
