package dashboards

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"throng"
)

// Transparency is what the auditor's pages tell beyond the method, the ledger and the releases.
type Transparency struct {
	// Address is that of these pages for readers, such as https://readers.example.org/. Defaults to none: then
	// the command that verifies has a placeholder in it.
	Address string
	// Contact is where visitors ask and opt out by name, an address of https: or mailto:. Defaults to none.
	Contact string
	// Versions are the files of the method's versions. Defaults to none kept.
	Versions MethodVersions
	// Deletions says what was deleted. Defaults to none known.
	Deletions func(context.Context) (*Deletions, error)
	// Holds says what is kept longer on somebody's order. Defaults to none known.
	Holds func(context.Context) (throng.HoldSummary, error)
	// Incidents are what the operator says went wrong, in the order in which they are shown.
	Incidents []Incident
}

// Deletions is what the receipts of retention say, in days: how many items there were, or rows, could
// be subtracted from a published total, and that a class had anything on a day tells of its visitors.
type Deletions struct {
	Kinds []DeletedKind
	// Latest is the time of the last receipt.
	Latest time.Time
	// Head is the hash of the last receipt: who notes it can tell later whether any was taken out.
	Head string
}

// DeletedKind is a kind of data, such as all events together.
type DeletedKind struct {
	Name string
	// Days is how many days were deleted and seen to be gone, Last the latest of them. Open is how many were
	// planned and are not yet seen to be gone.
	Days, Open int
	Last       throng.Day
}

// Incident is something that went wrong, as the operator tells it.
type Incident struct {
	Day         throng.Day
	Title, Text string
}

// transparencyPage is the auditor's first page. A part that cannot be read says so in its own place, so
// that one fault does not hide the rest.
type transparencyPage struct {
	frame
	Transparency
	Command    string
	Ledger     bool
	Entries    int
	Head       string
	Spent      []spent
	Published  int
	Open       int
	Current    *versionView
	Versions   int
	Pending    []change
	Faults     []string
	Retention  []retentionView
	Deletions  *Deletions
	Holds      *throng.HoldSummary
	Parameters throng.Parameters
	Policy     *policyView
}

// policyView says whether EFF's policy is asserted.
type policyView struct {
	Asserted, Due string
	Overdue       bool
}

// rendered is a page of the auditor's, made for its place: on a server, or in a bundle.
func (h *Handler) rendered(ctx context.Context, name string, f frame) (*response, error) {
	f.Watermark = h.method.Parameters.Watermark
	view, err := h.auditView(ctx, name, f)
	if err != nil {
		return nil, err
	}
	return h.page(name, view)
}

func (h *Handler) auditView(ctx context.Context, name string, f frame) (any, error) {
	switch name {
	case "transparency":
		return h.transparency(ctx, f)
	case "changes":
		return h.changesPage(ctx, f)
	case "ledger":
		return h.ledgerPage(ctx, f)
	case "files":
		return h.filesPage(ctx, f)
	case "method":
		return h.methodPage(ctx, f)
	}
	return dictionaryPage{f, dictionary}, nil
}

func (h *Handler) transparency(ctx context.Context, f frame) (*transparencyPage, error) {
	v := &transparencyPage{frame: f, Transparency: h.audit, Command: "throng verify " + or(h.audit.Address, "ADDRESS-OF-THESE-PAGES"),
		Retention: h.method.Retention, Parameters: h.method.Parameters, Policy: h.policy()}
	if f.Bundle {
		v.Command = "throng verify " + or(h.audit.Address, "DIRECTORY")
	}
	list, _, err := h.entries(ctx)
	switch {
	case err == nil:
		v.Ledger = true
		v.count(list)
	case !errors.Is(err, errNothing):
		v.fault(ctx, h.log, "The ledger", err)
	}
	history, err := h.methodHistory(ctx)
	if err != nil {
		v.fault(ctx, h.log, "The history of the method", err)
	} else if history != nil {
		v.method(history, h.Statement())
	}
	if h.audit.Deletions != nil {
		if v.Deletions, err = h.audit.Deletions(ctx); err != nil {
			v.fault(ctx, h.log, "The list of deletion receipts", err)
		}
	}
	if h.audit.Holds != nil {
		if holds, err := h.audit.Holds(ctx); err != nil {
			v.fault(ctx, h.log, "The list of holds", err)
		} else {
			v.Holds = &holds
		}
	}
	return v, nil
}

// fault says on the page that a part is missing, and in the log why.
func (v *transparencyPage) fault(ctx context.Context, log *slog.Logger, what string, err error) {
	v.Faults = append(v.Faults, what)
	log.LogAttrs(ctx, slog.LevelError, "cannot show a part of the auditor's page", slog.String("part", what), slog.String("error", err.Error()))
}

func (v *transparencyPage) count(list []entry) {
	v.Entries, v.Spent = len(list), spentOf(list)
	reserved := map[throng.ReleaseID]bool{}
	for _, e := range list {
		v.Head = e.Hash
		switch {
		case e.publishes():
			v.Published++
			delete(reserved, *e.Release)
		case e.Release != nil:
			reserved[*e.Release] = true
		}
	}
	v.Open = len(reserved)
}

func (v *transparencyPage) method(history *MethodHistory, running throng.MethodStatement) {
	list := history.views()
	v.Versions = len(list)
	if len(list) > 0 {
		v.Current = &list[0]
		v.Pending = changes(list[0].Method, running)
	}
}

func (h *Handler) policy() *policyView {
	if h.wellKnown == nil || h.wellKnown.Policy() == nil {
		return nil
	}
	p := h.wellKnown.Policy()
	return &policyView{p.Asserted.Format(time.DateOnly), p.Due().Format(time.DateOnly), p.Overdue(h.clock.Now())}
}

// changesPage shows every version of the method with what it changed.
type changesPage struct {
	frame
	Kept     bool
	Versions []versionView
}

func (h *Handler) changesPage(ctx context.Context, f frame) (changesPage, error) {
	history, err := h.methodHistory(ctx)
	if err != nil || history == nil {
		return changesPage{frame: f}, err
	}
	return changesPage{f, true, history.views()}, nil
}

// perPage is how many lines of a long list one page has.
const perPage = 200

// leaf is the place of a page in a list that is shown latest first.
type leaf struct {
	Page, Pages  int
	Newer, Older string
}

// paged cuts the page's part out of a list and turns it round; the page is the frame's.
func paged[T any](f frame, base string, list []T) (part []T, p leaf, err error) {
	p = leaf{Page: f.number, Pages: max(1, (len(list)+perPage-1)/perPage)}
	if p.Page < 1 || p.Page > p.Pages {
		return nil, p, errNothing
	}
	if p.Page > 1 {
		p.Newer = pageAddress(base, p.Page-1)
	}
	if p.Page < p.Pages {
		p.Older = pageAddress(base, p.Page+1)
	}
	end := len(list) - (p.Page-1)*perPage
	part = slices.Clone(list[max(0, end-perPage):end])
	slices.Reverse(part)
	return part, p, nil
}

// pageAddress is that of a page of a list; the first has no number.
func pageAddress(base string, page int) string {
	if page == 1 {
		return base
	}
	return base + "/" + strconv.Itoa(page)
}

type ledgerPage struct {
	frame
	leaf
	Entries []entry
	Total   int
	Spent   []spent
}

func (h *Handler) ledgerPage(ctx context.Context, f frame) (*ledgerPage, error) {
	list, _, err := h.entries(ctx)
	if err != nil {
		return nil, err
	}
	part, p, err := paged(f, ledgerPath, list)
	return &ledgerPage{f, p, part, len(list), spentOf(list)}, err
}

type filesPage struct {
	frame
	leaf
	Files []throng.ReleaseID
	Sums  map[throng.ReleaseID]string
	Total int
	Sites map[string]string
}

func (h *Handler) filesPage(ctx context.Context, f frame) (*filesPage, error) {
	list, _, err := h.entries(ctx)
	if err != nil {
		return nil, err
	}
	v := &filesPage{frame: f, Sums: map[throng.ReleaseID]string{}, Sites: map[string]string{}}
	var ids []throng.ReleaseID
	for _, e := range list {
		if e.publishes() {
			ids = append(ids, *e.Release)
			v.Sums[*e.Release] = e.SHA256
		}
	}
	for _, s := range h.sites {
		v.Sites[s.ID] = s.Title
	}
	v.Total = len(ids)
	v.Files, v.leaf, err = paged(f, filesPath, ids)
	return v, err
}

// Where the auditor's pages are.
const (
	transparencyPath = "/transparency"
	changesPath      = transparencyPath + "/method"
	ledgerPath       = transparencyPath + "/ledger"
	filesPath        = transparencyPath + "/releases"
	dictionaryPath   = transparencyPath + "/dictionary"
	methodPath       = "/method"
)

// auditPage is a page of the auditor's: its template and its title. A long list has further pages under
// the path of its first.
type auditPage struct {
	path, name, title string
	long              bool
}

var auditPages = []auditPage{
	{transparencyPath, "transparency", "What can be checked", false},
	{methodPath, "method", "How the numbers are made", false},
	{changesPath, "changes", "How the method changed", false},
	{ledgerPath, "ledger", "The privacy ledger", true},
	{filesPath, "files", "Everything that was released", true},
	{dictionaryPath, "dictionary", "What each field means", false},
}

// show answers with a page of the auditor's.
func (h *Handler) show(p auditPage) answer {
	return func(r *http.Request) (*response, error) {
		f := h.frame(p.title)
		if text := r.PathValue("page"); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 2 || strconv.Itoa(n) != text {
				return nil, errNothing
			}
			f.number = n
		}
		return h.rendered(r.Context(), p.name, f)
	}
}

// showVersion gives the file of a version of the method.
func (h *Handler) showVersion(r *http.Request) (*response, error) {
	history, err := h.methodHistory(r.Context())
	if err != nil {
		return nil, err
	}
	if history != nil {
		for i, v := range history.versions {
			if v.Path() == throng.MethodVersionsName+"/"+r.PathValue("file") {
				return &response{kind: "application/json", cache: forGood, body: history.bodies[i]}, nil
			}
		}
	}
	return nil, fmt.Errorf("method version: %w", errNothing)
}

func (h *Handler) showHolds(r *http.Request) (*response, error) {
	body, err := h.holds(r.Context())
	return &response{kind: "application/json", body: body}, err
}

// holds is the summary of the holds as a file; errNothing where none is known.
func (h *Handler) holds(ctx context.Context) ([]byte, error) {
	if h.audit.Holds == nil {
		return nil, errNothing
	}
	summary, err := h.audit.Holds(ctx)
	if err != nil {
		return nil, fmt.Errorf("read holds: %w", err)
	}
	return encode(summary)
}
