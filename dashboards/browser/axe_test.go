package browser_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axe is the source of axe-core, which .ci/browser has from npm.
var axe = sync.OnceValues(func() (string, error) {
	b, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	return string(b), err
})

// The rules of WCAG 2.2 up to AA with best practice, and those of them that are about colours.
const (
	allRules    = `['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']`
	colourRules = `['color-contrast', 'link-in-text-block']`
)

// runAxe gives what is broken of rules.
const runAxe = `axe.run(document, {resultTypes: ['violations'], runOnly: %s})
	.then(r => JSON.stringify(r.violations.map(v => ({rule: v.id, help: v.help, where: v.nodes.map(n => n.target.join(' ') + ': ' + n.any.concat(n.all, n.none).map(c => c.message).join('; '))}))))`

// violation is a rule that a page breaks.
type violation struct {
	Rule, Help string
	Where      []string
}

// accessible fails where axe-core finds something on the page. It runs beside the page's own scripts, in a world
// of its own, because the page's policy would not let it in. It needs scripts to be on: without, its promise is
// never kept.
func (w *window) accessible() {
	w.t.Helper()
	w.axe(allRules)
}

// legible fails where axe-core finds too little contrast.
func (w *window) legible() {
	w.t.Helper()
	w.axe(colourRules)
}

func (w *window) axe(rules string) {
	w.t.Helper()
	source, err := axe()
	if err != nil {
		w.t.Fatalf("read axe-core, which .ci/browser installs: %v", err)
	}
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	found, err := chromedp.Run(ctx, func(ctx context.Context, tab *chromedp.Target) ([]violation, error) {
		tree, err := cdp.Call(ctx, tab, page.GetFrameTree, cdp.Empty{})
		if err != nil {
			return nil, err
		}
		world, err := cdp.Call(ctx, tab, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: tree.FrameTree.Frame.ID, WorldName: "axe"})
		if err != nil {
			return nil, err
		}
		if _, err = evaluateIn(ctx, tab, world.ExecutionContextID, source+";0"); err != nil {
			return nil, err
		}
		answer, err := evaluateIn(ctx, tab, world.ExecutionContextID, fmt.Sprintf(runAxe, rules))
		if err != nil {
			return nil, err
		}
		return decoded(answer)
	})
	if err != nil {
		w.t.Fatalf("run axe-core: %v (at %s)", err, w.watched.at())
	}
	for _, v := range found {
		w.t.Errorf("axe-core: %s: %s: %s\n\t%.900q", w.watched.at(), v.Rule, v.Help, v.Where)
	}
}

func evaluateIn(ctx context.Context, tab *chromedp.Target, world runtime.ExecutionContextID, expression string) ([]byte, error) {
	yes := true
	r, err := cdp.Call(ctx, tab, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, ContextID: world, AwaitPromise: &yes, ReturnByValue: &yes})
	if err == nil && r.ExceptionDetails != nil {
		err = fmt.Errorf("script: %s %s", r.ExceptionDetails.Text, r.ExceptionDetails.Exception.Description)
	}
	if err != nil {
		return nil, err
	}
	return r.Result.Value, nil
}

// decoded reads the answer, which is JSON in a JSON string.
func decoded(answer []byte) (list []violation, err error) {
	var text string
	if err := json.Unmarshal(answer, &text); err != nil || text == "" {
		return nil, errors.Join(errors.New("axe-core gave no answer"), err)
	}
	return list, json.Unmarshal([]byte(text), &list)
}
