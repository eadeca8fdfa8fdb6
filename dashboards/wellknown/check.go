package wellknown

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Resource is what of a site is checked.
type Resource string

// The resources, in the order in which they are checked.
const (
	PolicyResource Resource = "policy" // EFF's policy
	StatusResource Resource = "status" // the tracking status
	TkResource     Resource = "tk"     // the Tk field of a page, with DNT: 1
	GPCResource    Resource = "gpc"    // the support resource of GPC
)

// CheckOptions configure a [Check].
type CheckOptions struct {
	// Base is the address of a page of the site; the well-known resources are those of its host. Required.
	Base *url.URL
	// Transport carries the requests. Required.
	Transport http.RoundTripper
	// Now is the time of the check. Required.
	Now time.Time
	// Without are resources that the site does not claim to have.
	Without []Resource
}

// Report is what was found.
type Report struct {
	Findings []Finding `json:"findings"`
}

// Holds tells whether there is no fault.
func (r *Report) Holds() bool {
	return !slices.ContainsFunc(r.Findings, func(f Finding) bool { return len(f.Faults) > 0 })
}

// Finding is what was found of a resource.
type Finding struct {
	Resource Resource `json:"resource"`
	Address  string   `json:"address"`
	// Says is what the site says by it, in words; Faults are what the specification forbids, and Notes what
	// a reader should look at.
	Says   string   `json:"says,omitempty"`
	Faults []string `json:"faults,omitempty"`
	Notes  []string `json:"notes,omitempty"`
}

func (f *Finding) fault(format string, args ...any) {
	f.Faults = append(f.Faults, fmt.Sprintf(format, args...))
}

func (f *Finding) note(format string, args ...any) {
	f.Notes = append(f.Notes, fmt.Sprintf(format, args...))
}

// checker asks a site. It sends no cookie, and keeps none.
type checker struct {
	CheckOptions
	status   *Status // the site-wide one for DNT: 1, once it was read
	requests int
}

// ErrUnreachable says that a site did not answer, so that nothing is known of it.
var ErrUnreachable = errors.New("the site does not answer")

// Check asks a site for its well-known resources and a page, as a browser with DNT: 1 and Sec-GPC: 1 and
// as one without does, and compares the answers with the specifications. It sends at most 32 requests.
// The error wraps [ErrUnreachable] where there is no answer at all.
func Check(ctx context.Context, o CheckOptions) (*Report, error) {
	c := &checker{CheckOptions: o}
	r := &Report{}
	for _, step := range []struct {
		resource Resource
		path     string
		check    func(context.Context, *Finding) error
	}{
		{PolicyResource, PolicyPath, c.checkPolicy},
		{StatusResource, StatusPath, c.checkStatus},
		{TkResource, o.Base.Path, c.checkTk},
		{GPCResource, GPCPath, c.checkGPC},
	} {
		if slices.Contains(o.Without, step.resource) {
			continue
		}
		f := Finding{Resource: step.resource, Address: c.at(step.path)}
		if err := step.check(ctx, &f); err != nil {
			return nil, fmt.Errorf("check %s: %w: %w", f.Address, ErrUnreachable, err)
		}
		r.Findings = append(r.Findings, f)
	}
	return r, nil
}

// at is the address of a path of the site.
func (c *checker) at(path string) string {
	u := *c.Base
	u.Path, u.RawPath, u.RawQuery, u.Fragment = path, "", "", ""
	return u.String()
}

// reply is the last answer of a sequence of redirects.
type reply struct {
	status int
	head   http.Header
	body   []byte
	hops   []string // addresses after the first
	cookie bool     // some answer of the sequence set one
}

const (
	maxHops     = 5
	maxRequests = 32
)

// get asks for an address and follows redirects.
func (c *checker) get(ctx context.Context, address string, optedOut bool) (*reply, error) {
	var out reply
	for {
		res, err := c.ask(ctx, address, optedOut)
		if err != nil {
			return nil, err
		}
		out.status, out.head, out.body = res.status, res.head, res.body
		out.cookie = out.cookie || res.head.Get("Set-Cookie") != "" || res.head.Get("Set-Cookie2") != ""
		to := res.head.Get("Location")
		if res.status < 300 || res.status > 399 || to == "" || len(out.hops) == maxHops {
			return &out, nil
		}
		from, err := url.Parse(address)
		if err != nil {
			return nil, err
		}
		next, err := from.Parse(to)
		if err != nil || next.Scheme != "http" && next.Scheme != "https" {
			return &out, nil
		}
		address = next.String()
		out.hops = append(out.hops, address)
	}
}

func (c *checker) ask(ctx context.Context, address string, optedOut bool) (*reply, error) {
	if c.requests++; c.requests > maxRequests {
		return nil, fmt.Errorf("more than %d requests", maxRequests)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if optedOut {
		req.Header.Set("DNT", "1")
		req.Header.Set("Sec-GPC", "1")
	}
	res, err := c.Transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() // its error tells nothing
	body, err := io.ReadAll(io.LimitReader(res.Body, maxPolicyBytes))
	return &reply{status: res.StatusCode, head: res.Header, body: body}, err
}

// resource gets a well-known resource and checks what holds for each of them; ok is false where there is
// nothing to look at.
func (c *checker) resource(ctx context.Context, f *Finding, kind string, optedOut bool) (res *reply, ok bool, err error) {
	if res, err = c.get(ctx, f.Address, optedOut); err != nil {
		return nil, false, err
	}
	if res.cookie {
		f.fault("the answer sets a cookie")
	}
	if res.status != http.StatusOK {
		f.fault("it is not there: the answer is %d, not 200", res.status)
		return res, false, nil
	}
	if got, params, _ := mime.ParseMediaType(res.head.Get("Content-Type")); got != kind {
		f.fault("its content type is %q, not %s", res.head.Get("Content-Type"), kind)
	} else if charset := params["charset"]; kind == "text/plain" && charset != "" && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "us-ascii") {
		f.fault("its charset is %q; the text is ASCII", charset)
	}
	return res, true, nil
}

func (c *checker) checkPolicy(ctx context.Context, f *Finding) error {
	res, ok, err := c.resource(ctx, f, "text/plain", true)
	if err != nil || !ok {
		return err
	}
	if c.Base.Scheme != "https" && !isLoopback(c.Base.Hostname()) {
		f.fault("it is not served by HTTPS, as the policy itself asks for")
	}
	for _, hop := range res.hops {
		if to, err := url.Parse(hop); err != nil || to.Host != c.Base.Host || to.Scheme != "https" && c.Base.Scheme == "https" {
			f.fault("it redirects to %s; each host has to post the policy itself, by HTTPS", hop)
		}
	}
	if name, ok := accepted(sha1Of(res.body)); ok {
		f.Says = "EFF's Do Not Track policy, version " + name
	} else {
		f.fault("the text has the SHA-1 %s, which is none that EFF accepts: it was altered", sha1Of(res.body))
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (c *checker) checkGPC(ctx context.Context, f *Finding) error {
	res, ok, err := c.resource(ctx, f, "application/json", true)
	if err != nil || !ok {
		return err
	}
	if len(res.hops) > 0 {
		f.note("it is reached by a redirect to %s", res.hops[len(res.hops)-1])
	}
	g, err := readGPC(res.body)
	if err != nil {
		f.fault("%v", err)
		return nil
	}
	f.Says = "Global Privacy Control is not honoured"
	if g.Honoured {
		f.Says = "Global Privacy Control is honoured"
	}
	f.Says += ", last said on " + g.Updated.Format(time.DateOnly)
	if g.Updated.After(c.Now) {
		f.fault("lastUpdate %s is in the future", g.Updated.Format(time.DateOnly))
	}
	return nil
}
