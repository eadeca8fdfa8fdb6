package dashboards

import (
	"strings"

	"throng"
)

// absent is the answer about a path that is not published. It follows from the path and the published
// keys alone, so that it is the same whether the path was visited or not.
type absent struct {
	Path string
	// Within is the published row in which its visits count if there were any; nil is none.
	Within *holder
	// OptedOut is a published group further down, in which visitors who opted out count where the
	// page is not on the public list; nil is none.
	OptedOut *holder
}

// holder is a published row that holds more than one page.
type holder struct {
	Key, URL string
	Group    bool   // a group, not a page with all that is below it
	Prefix   string // of a group
	Visits   cell
}

// absentPath answers about path; ok is false where it is published. A text that is no path has no
// answer.
func absentPath(rel *throng.Release, path, base string) (answer absent, ok bool) {
	if !strings.HasPrefix(path, "/") || isPublished(rel.Rows, path) {
		return absent{}, false
	}
	answer.Path = path
	leaf := throng.LeafKey(path)
	for key, ok := leaf, true; ok && answer.Within == nil; key, ok = throng.GroupOf(key) {
		answer.Within = holderOf(rel, key, base)
	}
	for prefix := leaf; answer.OptedOut == nil; {
		prefix = prefix[:max(0, strings.LastIndexByte(prefix, '/'))]
		key := prefix + "/" + throng.Other
		if prefix == "" || foldsInto(key) {
			break
		}
		answer.OptedOut = holderOf(rel, key, base)
	}
	return answer, true
}

func holderOf(rel *throng.Release, key, base string) *holder {
	row, ok := find(rel.Rows, key)
	if !ok {
		return nil
	}
	h := &holder{Key: key, Group: throng.IsOther(key), Prefix: strings.TrimSuffix(key, throng.Other), Visits: cellOf(row.Visits)}
	h.URL = selection{Query: key, Sort: defaultSort, Descending: true}.url(base)
	return h
}

// foldsInto tells whether pages under a group's prefix are folded into it. Deeper groups hold what
// generalization put there: unlisted pages, as read by visitors who opted out.
func foldsInto(key string) bool {
	group, _ := throng.GroupOf(strings.TrimSuffix(key, throng.Other) + "page")
	return group == key
}
