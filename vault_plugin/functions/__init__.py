"""AWS Lambda functions that run the Vault job."""
