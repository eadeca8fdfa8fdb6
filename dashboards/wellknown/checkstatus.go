package wellknown

import (
	"bytes"
	"context"
	"net/http"
	"strings"
)

// checkStatus looks at the site-wide tracking status, as told to those who opt out and to others.
func (c *checker) checkStatus(ctx context.Context, f *Finding) error {
	out, s, err := c.readStatus(ctx, f, true, siteWide)
	if err != nil || s == nil {
		return err
	}
	c.status = s
	f.Says = "with DNT: 1, " + said(s.Tracking)
	others := Finding{Address: f.Address}
	all, t, err := c.readStatus(ctx, &others, false, siteWide)
	if err != nil {
		return err
	}
	for _, fault := range others.Faults {
		f.fault("without DNT: %s", fault)
	}
	if t == nil {
		return nil
	}
	f.Says += "; without, " + said(t.Tracking)
	if !bytes.Equal(out.body, all.body) && !(dependsOnDNT(out.head) && dependsOnDNT(all.head)) {
		f.fault("the answer depends on DNT, and lacks Vary: DNT (section 7.4.4)")
	}
	if s.Tracking == Tracking || s.Tracking == Disregarding {
		f.note("it says %s to those who send DNT: 1", said(s.Tracking))
	}
	return nil
}

// readStatus reads a status resource; s is nil where there is none.
func (c *checker) readStatus(ctx context.Context, f *Finding, optedOut bool, at place) (res *reply, s *Status, err error) {
	res, ok, err := c.resource(ctx, f, StatusType, optedOut)
	if err != nil || !ok {
		return res, nil, err
	}
	read, err := readStatus(res.body)
	if err == nil {
		err = read.check(at)
	}
	if err != nil {
		f.fault("%v", err)
	}
	return res, &read, nil
}

func said(v Value) string {
	words, ok := v.Meaning()
	if !ok {
		return "a value that is none"
	}
	return string(v) + " (" + words + ")"
}

// dependsOnDNT tells whether caches know that the answer is not for everyone.
func dependsOnDNT(h http.Header) bool {
	for _, line := range h.Values("Vary") {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name == "*" || strings.EqualFold(name, "DNT") {
				return true
			}
		}
	}
	for d := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		switch strings.ToLower(strings.TrimSpace(d)) {
		case "private", "no-cache", "no-store", "max-age=0":
			return true
		}
	}
	return false
}

// checkTk looks at what a page answers to DNT: 1.
func (c *checker) checkTk(ctx context.Context, f *Finding) error {
	res, err := c.get(ctx, f.Address, true)
	if err != nil {
		return err
	}
	if res.cookie {
		f.note("the page sets a cookie on a request with DNT: 1; EFF's policy allows none that is unique or nearly so")
	}
	values := res.head.Values("Tk")
	switch {
	case len(values) == 0 && c.status != nil && (c.status.Tracking == Dynamic || c.status.Tracking == Gateway):
		f.fault("the page has no Tk field, and the site's status %s asks for one on each response (section 7.3.1)", c.status.Tracking)
		return nil
	case len(values) == 0:
		f.Says = "no Tk field on the page; none is needed"
		return nil
	case len(values) > 1:
		f.fault("the page has %d Tk fields, and one at most is allowed", len(values))
	}
	tk, err := ParseTk(values[0])
	if err != nil {
		f.fault("%v", err)
		return nil
	}
	f.Says = said(tk.Value)
	if tk.Value == Updated {
		f.fault("Tk is U in the answer to a request that changes nothing (section 7.2.10)")
	}
	if tk.Value == Consent {
		f.note("the page claims consent (C) of a browser that it does not know")
	}
	if tk.StatusID != "" {
		return c.checkRequestStatus(ctx, f, tk)
	}
	if tk.Value == Consent || tk.Value == PotentialConsent {
		if c.status == nil || c.status.Config == "" {
			f.fault("Tk is %s, and no tracking status has the config that it needs (section 7.2.7)", tk.Value)
		}
	}
	return nil
}

// checkRequestStatus looks at the resource that a Tk field refers to.
func (c *checker) checkRequestStatus(ctx context.Context, f *Finding, tk Tk) error {
	its := Finding{Address: c.at(StatusPath + tk.StatusID)}
	_, s, err := c.readStatus(ctx, &its, true, ofRequest)
	if err != nil {
		return err
	}
	for _, fault := range its.Faults {
		f.fault("%s: %s", its.Address, fault)
	}
	if s != nil && tk.Value != Dynamic && tk.Value != Updated && s.Tracking != tk.Value {
		f.fault("Tk is %s, and %s says %s", tk.Value, its.Address, s.Tracking)
	}
	return nil
}
