// Package backup writes what a state directory must never lose into one archive, and brings it back.
//
// An archive is a tar file: the privacy ledger, the releases that it names, the versions of the method, the
// receipts, the hold register, the limits that were in force, and last [Manifest], which has the SHA-256 of each.
// Names are those below the state directory, so that the published part can also be unpacked by hand. The same
// state makes the same bytes.
//
// It guarantees that
//   - nothing else is in an archive: no key, token, event, checkpoint or position of a line. Reservations that are
//     open keep their sampling keys to themselves, so a day that was being released when the archive was made is
//     drawn after a restore, under the reservation that it has;
//   - an archive that was cut, changed or put together from several is refused before anything is written;
//   - [Restore] never makes a ledger shorter: not than the one that is in the directory, not than the releases
//     there, and not than the published one, or the hash, that it has to be given. What was published after the
//     archive was made is taken from there. Nothing that only grows is replaced by less of it;
//   - a restore that was killed leaves a directory that no program closes days in, and can be run again.
//
// It does not guarantee that nothing was published after the published copy that [Restore] was given: nobody but
// who published it knows.
package backup
