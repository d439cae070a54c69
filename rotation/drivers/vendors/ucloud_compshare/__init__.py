"""UCloud CompShare: instances whose login password an administrator resets."""
