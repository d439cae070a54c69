"""A simulator of Huawei Cloud RDS."""
