package browser_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience bounds one step of a reader, such as a click and the page that it leads to.
const patience = 2 * time.Minute

// look is how a reader looks at the pages.
type look struct {
	Scripts bool
	Width   int64
	Dark    bool
}

const (
	phone = 360
	desk  = 1440
)

// looks are those of the tasks: each two of the three properties come together in each way.
var looks = []look{{false, phone, false}, {true, phone, true}, {false, desk, true}, {true, desk, false}}

func (l look) String() string {
	words := []string{"no-scripts", fmt.Sprint(l.Width), "light"}
	if l.Scripts {
		words[0] = "scripts"
	}
	if l.Dark {
		words[2] = "dark"
	}
	return strings.Join(words, "-")
}

// The browser is started by the first test that opens a window, and stopped in the end.
var browser = sync.OnceValues(func() (context.Context, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.DisableGPU, chromedp.WSURLReadTimeout(patience), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which Chromium refuses root
	}
	allocator, _ := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	stop = cancel
	return ctx, chromedp.Do(ctx)
})

var stop = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	stop()
	os.Exit(code)
}

// window is a window that a reader has open. Its methods fail the test where a step cannot be made.
type window struct {
	t       *testing.T
	ctx     context.Context //nolint:containedctx // the window is what chromedp keeps in it
	base    string
	look    look
	watched *watch
}

// open opens a window of its own browser profile on a server; header is name and value, in turns.
func open(t *testing.T, base string, l look, header ...string) *window {
	t.Helper()
	if os.Getenv("THRONG_TEST_BROWSER") == "" {
		t.Skip("skipped: THRONG_TEST_BROWSER is not set; .ci/browser sets it")
	}
	ctx, err := browser()
	if err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	ctx, cancel := chromedp.NewContext(ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	w := &window{t: t, ctx: ctx, base: strings.TrimSuffix(base, "/"), look: l, watched: &watch{}}
	if err := chromedp.Listen(ctx, w.watched.event); err != nil {
		t.Fatalf("open window: %v", err)
	}
	w.must("watch the page", w.watched.start)
	w.must("look "+l.String(), func(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: l.Width, Height: 800, DeviceScaleFactor: 1, Mobile: l.Width == phone})
		return chromedp.Void{}, err
	})
	w.media("screen")
	if !l.Scripts {
		w.must("switch scripts off", func(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
			_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
			return chromedp.Void{}, err
		})
	}
	if len(header) > 0 {
		w.send(header...)
	}
	return w
}

// media shows the page on a screen or on paper.
func (w *window) media(media string) {
	w.t.Helper()
	scheme := "light"
	if w.look.Dark {
		scheme = "dark"
	}
	w.must("set media", func(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media,
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
		return chromedp.Void{}, err
	})
}

// send sets the header fields of all further requests.
func (w *window) send(header ...string) {
	w.t.Helper()
	fields := network.Headers{}
	for i := 0; i < len(header); i += 2 {
		fields[header[i]] = header[i+1]
	}
	w.must("set header", func(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, tab, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: fields})
		return chromedp.Void{}, err
	})
}

// must makes a step.
func (w *window) must(what string, step chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, step); err != nil {
		w.t.Fatalf("%s: %v (at %s)", what, err, w.watched.at())
	}
}

// arrive makes a step that leads to another page, and holds that page to the rules.
func (w *window) arrive(what string, step chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	w.leadTo(what, 200, step)
}

func (w *window) leadTo(what string, status int64, step chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	w.watched.reset()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	got, err := chromedp.RunResponse(ctx, step)
	if err != nil {
		w.t.Fatalf("%s: %v (at %s)", what, err, w.watched.at())
	}
	if got != nil && got.Status != status {
		w.t.Fatalf("%s: status %d, want %d", what, got.Status, status)
	}
	w.obey(what)
}

// visit goes to an address, as from a bookmark.
func (w *window) visit(target string) {
	w.t.Helper()
	w.visitFor(target, 200)
}

func (w *window) visitFor(target string, status int64) {
	w.t.Helper()
	// Not chromedp.Navigate, whose own wait for the load and that of leadTo would be two.
	w.leadTo("visit "+target, status, func(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, tab, page.Navigate, page.NavigateParams{URL: w.base + target})
		return chromedp.Void{}, err
	})
}

// follow clicks the first link with that text, or text that begins so.
func (w *window) follow(text string) {
	w.t.Helper()
	w.arrive("follow “"+text+"”", chromedp.Click(link(text), chromedp.NodeVisible))
}

// link selects links by their text.
func link(text string) string {
	return fmt.Sprintf(`(//a[normalize-space(.)=%[1]q] | //a[contains(normalize-space(.), %[1]q)][not(//a[normalize-space(.)=%[1]q])])[1]`, text)
}

// hoverUntil moves the pointer to and fro over an element, as a hand does, until something holds of the page.
func (w *window) hoverUntil(css, what, condition string) {
	w.t.Helper()
	w.must("scroll to "+css, chromedp.ScrollIntoView(chromedp.CSS(css)))
	at := eval[[]float64](w, fmt.Sprintf(`(b => [b.left + b.width / 2, b.top + b.height / 2])(document.querySelector(%q).getBoundingClientRect())`, css))
	for waited := time.Duration(0); !eval[bool](w, condition); waited += 20 * time.Millisecond {
		if waited > patience {
			w.t.Fatalf("%s: %s never happened", w.watched.at(), what)
		}
		w.must("move the pointer", chromedp.MouseEvent(chromedp.MouseMoved, at[0]+float64(waited.Milliseconds()%100), at[1]))
		time.Sleep(20 * time.Millisecond)
	}
}

// download clicks a link and gives the file that comes.
func (w *window) download(text string) []byte {
	w.t.Helper()
	dir, events, came := w.t.TempDir(), true, make(chan string, 1)
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	err := chromedp.ListenBrowser(ctx, func(ev any) {
		if p, ok := ev.(*cdpbrowser.EventDownloadProgress); ok && p.State == cdpbrowser.DownloadProgressStateCompleted {
			file := filepath.Join(dir, p.GUID)
			if _, err := os.Stat(file); err == nil { // else it is another window's
				came <- file
			}
		}
	})
	if err == nil {
		_, err = chromedp.CallBrowser(ctx, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{Behavior: cdpbrowser.SetDownloadBehaviorBehaviorAllowAndName,
			BrowserContextID: chromedp.FromContext(ctx).BrowserContextID, DownloadPath: dir, EventsEnabled: &events})
	}
	if err != nil {
		w.t.Fatalf("prepare to download “%s”: %v", text, err)
	}
	w.must("click “"+text+"”", chromedp.Click(link(text), chromedp.NodeVisible))
	select {
	case file := <-came:
		b, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatalf("read “%s”: %v", text, err)
		}
		return b
	case <-ctx.Done():
		w.t.Fatalf("“%s” gave no file", text)
		return nil
	}
}

// fill writes into the field with that label.
func (w *window) fill(label, text string) {
	w.t.Helper()
	field := fmt.Sprintf(`//input[@id=//label[normalize-space(.)=%q]/@for]`, label)
	w.must("clear “"+label+"”", chromedp.Clear(field))
	w.must("fill in “"+label+"”", chromedp.SendKeys(field, text))
}

// choose takes the option with that text in the list with that label, by keyboard as a reader may.
func (w *window) choose(label, option string) {
	w.t.Helper()
	field := fmt.Sprintf(`//select[@id=//label[normalize-space(.)=%q]/@for]`, label)
	w.must("choose “"+option+"”", chromedp.SendKeys(field, option))
}

// press clicks the button with that text.
func (w *window) press(text string) {
	w.t.Helper()
	w.arrive("press “"+text+"”", chromedp.Click(fmt.Sprintf(`(//button[normalize-space(.)=%q])[1]`, text), chromedp.NodeVisible))
}

// key presses a key.
func (w *window) key(k string) {
	w.t.Helper()
	w.must("press a key", chromedp.KeyEvent(k))
}

// tabTo presses Tab until a link or field with that text has the focus, and fails where none has after the whole
// page, or where what has it cannot be seen to.
func (w *window) tabTo(text string) {
	w.t.Helper()
	for range 400 {
		w.key(kb.Tab)
		f := eval[focus](w, focused)
		if f.Name != "" && !f.Visible {
			w.t.Fatalf("the focus on “%s” cannot be seen", f.Name)
		}
		if f.Name == text {
			return
		}
	}
	w.t.Fatalf("Tab does not lead to “%s”", text)
}

// focus is what has the focus: its name, and whether a reader sees that it does.
type focus struct {
	Name    string `json:"name"`
	Visible bool   `json:"visible"`
}

const focused = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body) return {name: '', visible: false};
	const s = getComputedStyle(e), box = e.getBoundingClientRect();
	const name = e.labels && e.labels.length ? e.labels[0].textContent : e.textContent || e.getAttribute('aria-label') || e.tagName;
	return {name: name.replace(/\s+/g, ' ').trim(),
		visible: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 && box.width > 1 && box.height > 1 && box.bottom > 0 && box.top < innerHeight};
})()`

// sees fails where the page does not show the text.
func (w *window) sees(texts ...string) {
	w.t.Helper()
	page := w.text()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			w.t.Fatalf("%s does not show “%s”, but:\n%.2000s", w.watched.at(), text, page)
		}
	}
}

// text is what the page shows, blanks as one space.
func (w *window) text() string {
	w.t.Helper()
	return strings.Join(strings.Fields(eval[string](w, `document.body.innerText`)), " ")
}

// html is the page's content as it stands.
func (w *window) html() string {
	w.t.Helper()
	return eval[string](w, `document.querySelector('main').outerHTML`)
}

// address is the path and query of the page.
func (w *window) address() string {
	w.t.Helper()
	return eval[string](w, `location.pathname + location.search`)
}

// count is how many elements a selector finds.
func (w *window) count(css string) int {
	w.t.Helper()
	return eval[int](w, fmt.Sprintf(`document.querySelectorAll(%q).length`, css))
}

// eval asks the page.
func eval[T any](w *window, expression string) T {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		w.t.Fatalf("ask the page: %v (at %s)", err, w.watched.at())
	}
	return got
}

// picture keeps a screenshot of the whole page in the folder THRONG_TEST_PICTURES, to be looked at.
func (w *window) picture(name string) {
	w.t.Helper()
	w.keep(name+"-"+w.look.String()+".png", chromedp.FullScreenshot(100))
}

func (w *window) keep(name string, shot chromedp.Action[[]byte]) {
	w.t.Helper()
	folder := os.Getenv("THRONG_TEST_PICTURES")
	if folder == "" {
		return
	}
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	b, err := chromedp.Run(ctx, shot)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name), b, 0o600)
	}
	if err != nil {
		w.t.Errorf("keep a picture: %v", err)
	}
}
