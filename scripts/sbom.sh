#!/bin/sh
# Prints the bill of materials of a program (CycloneDX 1.6): the modules that Go has linked into it, as the program itself says.
set -eu
go version -m "$1" | awk -F '\t' '
	BEGIN { printf "{\n  \"bomFormat\": \"CycloneDX\",\n  \"specVersion\": \"1.6\",\n  \"version\": 1,\n" }
	$2 == "mod" { printf "  \"metadata\": {\"component\": {\"type\": \"application\", \"name\": \"%s\", \"version\": \"%s\"}},\n  \"components\": [", $3, $4 }
	$2 == "dep" {
		printf "%s\n    {\"type\": \"library\", \"name\": \"%s\", \"version\": \"%s\", \"purl\": \"pkg:golang/%s@%s\"}", separator, $3, $4, $3, $4
		separator = ","
	}
	END { print "\n  ]\n}" }'
