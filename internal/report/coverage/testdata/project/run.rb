require 'simplecov'
SimpleCov.command_name 'pool'
SimpleCov.start { enable_coverage :branch; add_filter 'run.rb' }
require_relative 'pool'
Pool.new.share(8, 2)
