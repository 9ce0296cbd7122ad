import { describe, test } from "@jest/globals";
import { discoveryBackendContract } from "@foundation/testkit";
import { dnsBackend } from "../backends/dns-backend.js";

discoveryBackendContract({ describe, test }, dnsBackend);
