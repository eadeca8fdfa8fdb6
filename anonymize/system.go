package anonymize

import "throng"

// systems are tried in order. The first are of no family here, though they name one that is.
var systems = []struct {
	token string
	os    throng.OS
}{
	{"Windows Phone", throng.OtherOS}, {"Windows CE", throng.OtherOS}, {"XBLWP7", throng.OtherOS}, {"wds ", throng.OtherOS},
	{"Xbox", throng.OtherOS}, {"Tizen", throng.OtherOS}, {"KAIOS", throng.OtherOS}, {"KaiOS", throng.OtherOS},
	{"Web0S", throng.OtherOS}, {"webOS", throng.OtherOS}, {"hpwOS", throng.OtherOS}, {"Symbian", throng.OtherOS},
	{"SunOS", throng.OtherOS}, {"FreeBSD", throng.OtherOS}, {"OpenBSD", throng.OtherOS}, {"NetBSD", throng.OtherOS},
	{"HbbTV", throng.OtherOS}, {"GoogleTV", throng.OtherOS}, {"CrKey", throng.OtherOS}, {"Kindle/", throng.OtherOS},
	{"Apple TV", throng.OtherOS}, {"Sailfish", throng.OtherOS}, {"Maemo", throng.OtherOS},
	{"PlayStation", throng.OtherOS}, {"CitrixChromeApp", throng.ChromeOS}, {"Quest ", throng.Android},
	{"iPhone", throng.IOS}, {"iPad", throng.IOS}, {"iPod", throng.IOS},
	{"Android", throng.Android}, {"android", throng.Android}, {"Adr ", throng.Android}, {"JUC (", throng.Android}, {"JUC(", throng.Android}, {"Silk/", throng.Android},
	{"CrOS", throng.ChromeOS}, {"Windows", throng.Windows}, {"Win64", throng.Windows}, {"Win32", throng.Windows},
	{" iOS", throng.IOS}, {"(iOS", throng.IOS}, {"/iOS", throng.IOS}, {";iOS", throng.IOS}, {"iOS/", throng.IOS},
	{"Mac OS X", throng.MacOS}, {"Macintosh", throng.MacOS}, {"macOS", throng.MacOS}, {"os/macos", throng.MacOS}, {"darwin;", throng.MacOS},
	{"Linux", throng.Linux}, {"linux", throng.Linux}, {"Ubuntu", throng.Linux}, {"X11; U; ", throng.Linux},
}

var systemMatcher = must(newMatcher(systemPatterns()))

func systemPatterns() (patterns []pattern) {
	for i, s := range systems {
		patterns = append(patterns, pattern{text: s.token, rank: i})
	}
	return patterns
}

func osOf(ua []byte) throng.OS {
	if rank, _ := systemMatcher.find(ua); rank != noMatch {
		return systems[rank].os
	}
	if !has(ua, "Darwin/") {
		return throng.OtherOS
	}
	if has(ua, "x86_64") || has(ua, "i386") || has(ua, "Mac") {
		return throng.MacOS
	}
	return throng.IOS
}
