package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"throng"
	"throng/internal/config"
	"throng/retention"
)

// table writes aligned columns.
func table(w io.Writer, header string, rows func(row func(cells ...any))) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.ReplaceAll(header, " ", "\t"))
	rows(func(cells ...any) {
		for i, c := range cells {
			if i > 0 {
				fmt.Fprint(t, "\t")
			}
			fmt.Fprint(t, c)
		}
		fmt.Fprintln(t)
	})
	return t.Flush()
}

func printItems(w io.Writer, items []throng.Item) error {
	return table(w, "STORE CLASS KIND DAY ROWS BYTES DELETED-BY ITEM", func(row func(...any)) {
		for _, i := range items {
			row(i.Store, class(i), i.Kind, dayOf(i), i.Rows, i.Bytes, cmp.Or(string(i.Removal), "-"), i.Name)
		}
	})
}

// class says that an item has none.
func class(i throng.Item) string { return cmp.Or(string(i.Class), "UNCLASSIFIED") }

// dayOf leaves out the day of what has none.
func dayOf(i throng.Item) string {
	if i.Day == 0 {
		return "-"
	}
	return i.Day.String()
}

func printPlan(w io.Writer, plan []retention.Deletion) error {
	if len(plan) == 0 {
		_, err := fmt.Fprintln(w, "nothing is due")
		return err
	}
	return table(w, "STORE ITEM CLASS REASON DEADLINE ROWS BYTES", func(row func(...any)) {
		for _, d := range plan {
			row(d.Item.Store, d.Item.Name, d.Item.Class, d.Reason, d.Deadline.UTC().Format(time.RFC3339), d.Item.Rows, d.Item.Bytes)
		}
	})
}

// maxSaid is how many violations are told one by one.
const maxSaid = 20

// showReport prints a report; violations are an error that names the stores and the ages.
func showReport(a *app, r retention.Report, asJSON bool) error {
	print := printReport
	if asJSON {
		print = func(w io.Writer, r retention.Report) error { return json.NewEncoder(w).Encode(r) }
	}
	if err := print(a.out, r); err != nil || len(r.Violations) == 0 {
		return err
	}
	late := []error{errors.New(sayViolations(len(r.Violations)))}
	for i, v := range r.Violations {
		if i == maxSaid {
			late = append(late, errors.New("  … and more: --json has them all"))
			break
		}
		late = append(late, errors.New("  "+sayViolation(v)))
	}
	return errors.Join(late...)
}

func sayViolations(n int) string {
	if n == 1 {
		return "1 item is not as it should be"
	}
	return fmt.Sprintf("%d items are not as they should be", n)
}

func printReport(w io.Writer, r retention.Report) error {
	for _, d := range r.Deleted {
		fmt.Fprintf(w, "deleted %s %s: %s, %d rows, %d bytes; %s\n", d.Item.Store, d.Item.Name, d.Reason, d.Item.Rows, d.Item.Bytes, d.Verified.How)
	}
	return table(w, "STORE CLASS ITEMS ROWS BYTES OLDEST LIMIT NEXT-DEADLINE", func(row func(...any)) {
		for _, h := range r.Holdings {
			age, limit, deadline := "-", "kept", "-"
			if h.Limit > 0 {
				age, limit = sayAge(h.Age), sayAge(h.Limit)
			}
			if h.Class == "" {
				limit = "NONE KNOWN"
			}
			if !h.Deadline.IsZero() {
				deadline = h.Deadline.UTC().Format(time.RFC3339)
			}
			row(h.Store, cmp.Or(string(h.Class), "UNCLASSIFIED"), h.Items, h.Rows, h.Bytes, age, limit, deadline)
		}
	})
}

// sayAge writes a duration as days and hours.
func sayAge(a retention.Age) string {
	d := time.Duration(a)
	if d > 1000*24*time.Hour { // of day 0, which stands for what cannot be read
		return "unknown"
	}
	if d < 48*time.Hour {
		return d.Round(time.Minute).String()
	}
	return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// sayViolation says in a line what is wrong with what, and what is known of it.
func sayViolation(v retention.Violation) string {
	text := v.Item.Store + " " + v.Item.Name
	if v.Item.Class != "" {
		text += " (" + string(v.Item.Class) + ")"
	}
	switch v.Why {
	case retention.TooOld:
		text += fmt.Sprintf(": is %s old, allowed are %s; it had to be gone by %s", sayAge(v.Age), sayAge(v.Limit), v.Deadline.UTC().Format(time.RFC3339))
	case retention.Unclassified:
		text += ": is of no known class, so nothing limits its age"
	case retention.FromTheFuture:
		text += fmt.Sprintf(": is of %s, which is to come: is a clock wrong?", v.Item.Day)
	case retention.NotEnforced:
		text += fmt.Sprintf(": its settings do not delete within %s", sayAge(v.Limit))
	}
	if v.Item.Note != "" {
		text += " — " + v.Item.Note
	}
	return text
}

// sayRetention says what a configuration will change for what a state directory holds.
func sayRetention(a *app, cfg *config.Config) error {
	terms, err := retention.ReadTerms(layout(cfg.Dir).limits())
	if err != nil {
		return err
	}
	limits, err := limits(cfg.Retention).WithDefaults()
	if err != nil {
		return usageError{err}
	}
	for _, c := range terms.Changes(a.clock.Now(), limits) {
		fmt.Fprintf(a.out, "retention: %s\n", sayChange(c, a.clock.Now()))
	}
	return nil
}

// sayChange says what becomes of what exists.
func sayChange(c retention.Change, now time.Time) string {
	old, limit := sayAge(retention.Age(c.Old)), sayAge(retention.Age(c.New))
	if !c.Stricter() {
		return fmt.Sprintf("%s may be %s old instead of %s (from the start of its day), from %s on; what is of earlier days goes at %s as before", c.Class, limit, old, c.From, old)
	}
	return fmt.Sprintf("%s may be %s old instead of %s (from the start of its day), at once: what is of before %s is deleted by the next sweep, for good; a laxer value later does not bring it back",
		c.Class, limit, old, now.Add(-c.New).UTC().Format(time.RFC3339))
}
