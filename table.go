package throng

import (
	"fmt"
	"slices"
)

// PathTable is the table that every site has: visits by path.
const PathTable = "path"

// The further tables that a site may have (method section 5, rule 7). Their trees have two levels: a
// key, and the group *other*.
const (
	ClientTable   = "client"   // browser family
	CountryTable  = "country"  // ISO 3166-1 alpha-2
	HourTable     = "hour"     // hour of the day, UTC, 00 to 23
	OSTable       = "os"       // family of the operating system
	ReferrerTable = "referrer" // registrable domain, or named search engine or network
	StatusTable   = "status"   // class of the status: 2xx, 3xx
)

// FurtherTables are the names of all tables but [PathTable], sorted.
func FurtherTables() []string {
	return []string{ClientTable, CountryTable, HourTable, OSTable, ReferrerTable, StatusTable}
}

// Unknown is the key of visits that have no value in a further table.
const Unknown = "none"

// CheckTables refuses a set of further tables that may not be published together: an unknown or
// repeated one, and client beside os. Some families of clients exist on one system only, so that the
// visits of the system less those of the family would be those of a group that nobody gated.
func CheckTables(further []string) error {
	for i, t := range further {
		if !slices.Contains(FurtherTables(), t) {
			return fmt.Errorf("table %q: want one of %v", t, FurtherTables())
		}
		if slices.Contains(further[:i], t) {
			return fmt.Errorf("table %q is named twice", t)
		}
	}
	if slices.Contains(further, ClientTable) && slices.Contains(further, OSTable) {
		return fmt.Errorf("tables %s and %s: one can be subtracted from the other where a client exists on one system only; choose one", ClientTable, OSTable)
	}
	return nil
}
