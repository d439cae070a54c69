"""What the simulators of Tencent's products share: keys, the gateway of API 3.0, and calls of actions."""
