// Package files lets retention look at files: at all that is in the state directory, whoever put it there,
// and at the web server's own logs.
//
// [State] walks a directory and says what each file is by rules; what no rule knows is listed without a
// class, which retention reports. It looks past the engines: a part or a segment that an engine has
// forgotten is found by the day in its name. [Logs] lists the files behind globs with the time of their
// oldest line.
//
// Guaranteed: every file in the directory is in an item or is an error; nothing outside of the directory,
// and nothing that no rule allows, is deleted. Not guaranteed: what is behind a symbolic link is not
// looked at, the link itself is listed without a class; and a file's content is not read, except for the
// first lines of a log, by a function of the caller.
package files
