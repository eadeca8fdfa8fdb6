// Package dashboards serves what was published, read-only, over HTTP: the readership tables for
// analysts, their files for programs, and the method page, which is generated from the running
// configuration.
//
// It guarantees that
//   - a page is a function of a stored release, the public route list and the configuration alone, so
//     that a page nobody read and a page that too few devices read get the same answer;
//   - every number has its interval beside it, and only numbers that add up are added;
//   - nothing that a request holds (address, header, query, path) is logged or stored, no cookie is
//     set, and no page needs JavaScript or asks a third party for anything;
//   - a release whose file is not what its ledger says is not shown.
//
// It does not decide what may be published, read events, authenticate readers or limit their rate:
// whoever reaches the listener may read everything that was released.
package dashboards
