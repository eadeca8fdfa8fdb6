package dashboards

// field is a field of something that is published or kept, as its JSON or CSV names it.
type field struct{ Name, Unit, Meaning string }

// thing is what has fields.
type thing struct {
	Name, What string
	Fields     []field
}

type dictionaryPage struct {
	frame
	Things []thing
}

// dictionary explains every field; a test compares it with the types that are written.
var dictionary = []thing{
	{"release", "A published table: one site, table and period. releases/SITE/TABLE/PERIOD.json", []field{
		{"format", "text", "The form of the file."},
		{"site", "text", "The site’s id in the configuration."},
		{"table", "text", "What the rows are by: path, client, country, hour, os, referrer or status."},
		{"period", "period, UTC", "2026-11-22 is a day, 2026-11-17--2026-11-24 a span, 2026-11 a month."},
		{"tree", "number", "The version of the rules that divide visits into rows."},
		{"parameters", "object", "What the numbers were made with."},
		{"completeness", "object", "How much of the period’s log the table holds."},
		{"withheld", "word", "Why a table that was drawn has no rows; “crossing” or absent."},
		{"rows", "list", "The published rows. They do not overlap; their visits add up."},
		{"opted_out", "list", "Visits by devices that opted out, by section."},
		{"clipped_percent", "measure, per cent", "The share of devices whose visits were cut by L0 or Linf."},
		{"sources", "list", "Of a month: period and sha256 of each release that it was summed from."},
	}},
	{"measure", "A number that was drawn, or why there is none.", []field{
		{"value", "count", "The noisy count."},
		{"low", "count", "The lower end of the 95 % interval."},
		{"high", "count", "Its upper end."},
		{"reason", "word", "In place of the three: below_gate (too few, or too close to tell), not_drawn, not_summed."},
	}},
	{"row", "A row of a release.", []field{
		{"key", "text", "The path of at most three segments, a group (prefix/*other*), or the value of another table."},
		{"holder", "text", "In a span: the group of the days in which the row’s visits were counted."},
		{"devices", "measure, devices", "Distinct devices. Never added."},
		{"visits", "measure, visits", "Bounded page views."},
	}},
	{"opted-out group", "An entry of a release’s opted_out.", []field{
		{"group", "text", "/SEGMENT/* is a section, /* the rest of the site."},
		{"of_visits", "count with interval", "The sum of the published visits in the group."},
		{"opted_out_visits", "measure, visits", "Those of them by devices that opted out."},
	}},
	{"completeness", "How much of the log a release holds, as coarsely as it may be said.", []field{
		{"missing_sources", "names", "Sources that had not reported past the period when waiting ended."},
		{"missing_days", "days", "Days of a span or month that have no release."},
		{"late", "none, some, above_1_percent", "Lines that came after the period was closed."},
		{"rejected", "none, some, above_1_percent", "Lines that could not be read."},
	}},
	{"parameters", "What a release was made with, or what is made with now.", []field{
		{"k", "devices", "Nothing is published under this number of distinct devices."},
		{"tables", "names", "All tables of the site and period; they share one budget."},
		{"epsilon", "nats", "The privacy loss of a device and period, all tables together."},
		{"delta", "probability", "With which the loss may be larger; noise_delta and threshold_delta together."},
		{"noise_delta", "probability", "The part of the noise."},
		{"threshold_delta", "probability", "The part of the gates."},
		{"gate_delta", "probability", "What one gate draw uses of it."},
		{"l0", "rows", "Rows that one device adds to at most."},
		{"linf", "visits", "Visits that it adds to one of them at most."},
		{"per_network", "devices", "Devices of one network that help a row to be shown at most."},
		{"draws", "list", "How each kind of draw is calibrated."},
		{"watermark", "text", "Set where k is lower for a demonstration: not safe to publish."},
	}},
	{"draw", "A kind of random draw.", []field{
		{"draw", "word", "devices, visits, opted_out_gates, opted_out_visits, remaining_gates or clipped."},
		{"weight", "share of 1", "Its share of the budget."},
		{"l0", "cells", "Cells that one device is in at most."},
		{"linf", "count", "What it adds to one of them at most."},
		{"draws", "draws", "Draws that its part of a cell can enter."},
		{"passed_l0", "cells", "⌈l0 · draws ÷ weight⌉, which the library is called with."},
		{"sigma", "count", "The standard deviation of the noise."},
		{"gate", "devices", "The smallest noisy count that passes; absent where the draw is no gate."},
	}},
	{"csv", "A table as CSV, one line a row, then one a group of the opted-out column.", []field{
		{"site", "text", "The site’s id."},
		{"path", "text", "The row’s key, or the opted-out group."},
		{"period", "period, UTC", "As in the release."},
		{"visits", "visits", "The noisy count; empty where there is none."},
		{"visits_low", "visits", "The lower end of its 95 % interval."},
		{"visits_high", "visits", "The upper end."},
		{"devices", "devices", "The noisy count of devices."},
		{"opted_out_visits", "visits", "On the lines of groups."},
		{"devices_low", "devices", "The lower end; at least k."},
		{"devices_high", "devices", "The upper end."},
		{"opted_out_visits_low", "visits", "The lower end."},
		{"opted_out_visits_high", "visits", "The upper end."},
		{"holder", "text", "As in the release."},
		{"reason", "words", "COLUMN:REASON for each number that is missing."},
	}},
	{"manifest", "The list of everything that is published. manifest.json", []field{
		{"format", "text", "The form of the file."},
		{"method", "file", "The method that runs."},
		{"ledger", "file", "The ledger as it was when the manifest was made; it only grows."},
		{"methods", "files", "The versions of the method, oldest first."},
		{"releases", "files", "The releases in the order of their publication."},
	}},
	{"file", "A file in the manifest.", []field{
		{"path", "text", "Its name under the address of the manifest."},
		{"bytes", "bytes", "Its length, where it is said."},
		{"sha256", "hexadecimal", "The SHA-256 of its content."},
	}},
	{"ledger entry", "A line of the privacy ledger, 2,048 bytes. ledger/ledger.jsonl", []field{
		{"seq", "number", "Counts from 0."},
		{"prev", "hexadecimal", "The hash of the entry before."},
		{"kind", "word", "genesis, reservation (before a draw), publication (after it) or sum (a month)."},
		{"format", "text", "In the first entry: the form of the ledger."},
		{"ledger", "text", "In the first entry: a random name of this ledger."},
		{"release", "object", "Site, table and period."},
		{"tree", "number", "Of a reservation: the version of the rules."},
		{"parameters", "object", "Of a reservation: what it may cost."},
		{"sha256", "hexadecimal", "Of the published file."},
		{"hash", "hexadecimal", "The SHA-256 of the line up to the comma before this field."},
	}},
	{"method", "What the numbers are made with now. method.json", []field{
		{"format", "text", "The form of the file."},
		{"program", "text", "The version that runs."},
		{"tree", "number", "The version of the rules that divide visits into rows."},
		{"parameters", "object", "Those of a release that would be made now."},
		{"sites", "list", "The parameters of sites that have others."},
		{"composition", "list", "What all releases of a time may reveal together of one device."},
		{"everyone", "object", "How coarse every record is made."},
		{"opted_out", "object", "How coarse the records of those who opted out are made."},
		{"unit", "object", "What one device is."},
		{"lateness", "duration", "A day is closed at the latest this long after its end."},
		{"retention", "durations", "The longest age of an event, by class."},
		{"assets", "suffixes", "Paths that are no page views."},
		{"logs", "list", "What is known of each site’s log."},
	}},
	{"method version", "A method with its date. method/NUMBER.json", []field{
		{"format", "text", "The form of the file."},
		{"number", "number", "From 1."},
		{"since", "time, UTC", "From when on it was in force."},
		{"prev", "hexadecimal", "The SHA-256 of the file of the version before."},
		{"method", "object", "As in method.json."},
	}},
	{"holds", "Orders by which copies of some events are kept longer. holds.json", []field{
		{"format", "text", "The form of the file."},
		{"orders", "number", "Orders that were ever given."},
		{"extensions", "number", "Extensions of them."},
		{"in_force", "number", "Orders that keep copies now."},
		{"reviews_overdue", "number", "Those that were to be looked at again by now, and were not."},
		{"held", "none, some, above 1 %", "The share of the events stored at its order that the widest hold in force keeps."},
		{"reasons", "list", "A row for each reason."},
		{"entries", "number", "The length of the register of holds."},
		{"head", "hexadecimal", "The hash of its last entry."},
	}},
	{"hold reason", "A row of holds.json.", []field{
		{"reason", "word", "Why."},
		{"orders", "number", "Orders with this reason."},
		{"extensions", "number", "Extensions with this reason."},
		{"in_force", "number", "Orders with it that keep copies now."},
	}},
	{"composition", "What periods add up to for one device that comes in each of them.", []field{
		{"over", "text", "Which periods."},
		{"periods", "number", "How many."},
		{"rho", "ρ of zCDP", "The sum of the periods’ losses."},
		{"epsilon", "nats", "ρ + 2√(ρ ln(1/δ′)) at δ′ = noise_delta."},
		{"delta", "probability", "noise_delta with the thresholds’ δ of every period added."},
	}},
	{"event", "What is kept of a line of the log until it is deleted. Never published.", []field{
		{"time", "time, UTC", "Cut to the second; to the minute for those who opted out."},
		{"site", "text", "The site’s id."},
		{"path", "text", "Made general."},
		{"method", "word", "The request’s method."},
		{"status", "number", "The answer’s status."},
		{"bytes", "bytes", "Its size."},
		{"referrer", "domain or name", "Where the visit came from, without path."},
		{"client", "word", "The browser’s family, from a closed list."},
		{"client_major", "number", "Its major version; rounded down for those who opted out."},
		{"os", "word", "The system’s family."},
		{"country", "code", "Where the operator supplies a database."},
		{"network", "prefix", "The address cut to a network; wider for those who opted out."},
		{"bot", "word", "The kind of robot, where it declares itself."},
		{"opted_out", "yes or no", "Whether a signal or the list opted the visitor out."},
		{"signal", "word", "Which."},
		{"visit", "yes or no", "Whether it is a page view that is counted."},
	}},
}
