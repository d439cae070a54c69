"""A second reading of what UCloud says about the passwords of UHost: the page is the one that CompShare's cites."""

from rotation_testkit.doubles.vendors.ucloud_compshare.second_opinion import linux, windows

SECOND_OPINIONS = {"linux": linux, "windows": windows}
