"""A simulator of a server's management controller that speaks Redfish."""
